"""What visitors see, and how many queries it takes."""

import html
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from appliances.models import Appliance, Release, Revision
from builds.models import Artifact, Build, CheckResult
from tests import factories

from .shelves import file, published, put_up

pytestmark = pytest.mark.django_db
BUDGET = 12


def text(response) -> str:
    return response.content.decode()


def many(count: int) -> None:
    """So many published appliances, in a handful of statements."""
    now = timezone.now()
    team = factories.team()
    appliances = Appliance.objects.bulk_create(
        Appliance(team=team, slug=f"a{n}", name=f"Bulk {n:05}", summary="One of many.", category="many")
        for n in range(count)
    )
    releases = Release.objects.bulk_create(
        Release(
            appliance=each,
            version="1.0.0",
            state="published",
            published_at=now - timedelta(days=1),
            template="",
        )
        for each in appliances
    )
    revisions = Revision.objects.bulk_create(
        Revision(
            release=each,
            number=1,
            state="published",
            published_at=now,
            template="",
            digest="0",
            platforms=["qemu"],
        )
        for each in releases
    )
    builds = Build.objects.bulk_create(Build(revision=each, platform="qemu", state="succeeded") for each in revisions)
    Artifact.objects.bulk_create(
        Artifact(build=each, format="qcow2", file="f", name="a.qcow2", media_type="x/y", sha256="0" * 64)
        for each in builds
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")  # as PostgreSQL does by itself, but not before the test's transaction ends


def test_the_catalog_takes_the_same_few_queries_however_much_is_in_it(client, django_assert_max_num_queries):
    addresses = ["/", "/?q=bulk&platform=qemu&category=many&sort=name", "/?page=2"]

    def counts() -> list[int]:
        found = []
        for address in addresses:
            with django_assert_max_num_queries(BUDGET) as queries:
                assert "Bulk" in text(client.get(address))
            found.append(len(queries))
        return found

    many(30)
    few = counts()
    many(2000)
    assert counts() == few


def test_an_appliance_page_takes_the_same_few_queries(client, django_assert_max_num_queries):
    first = published("1.0.0", formats=("qcow2", "ova"))
    for number in range(1, 40):
        published(f"1.{number}.0", appliance=first.appliance, formats=("qcow2", "ova", "raw"))
    client.force_login(factories.member(first.appliance.team))
    with django_assert_max_num_queries(BUDGET):
        response = client.get("/acme/wiki")
    assert "1.39.0" in text(response)


def test_filters_are_in_the_address_and_find(client):
    published(formats=("ova",), appliance=factories.appliance(slug="vm", name="Vm thing", category="wiki"))
    published(formats=("qcow2",), appliance=factories.appliance(slug="disk", name="Disk thing", category="mail"))
    assert names(client, "?platform=vmware") == {"vm"}
    assert names(client, "?platform=qemu") == {"disk"}
    assert names(client, "?category=mail") == {"disk"}
    assert names(client, "?q=vm") == {"vm"}
    assert names(client, "?q=thing&platform=unknown&page=99") == {"vm", "disk"}
    assert "Nothing fits" in text(client.get("/?q=xylophone"))


def names(client, query: str) -> set[str]:
    return {card.appliance.slug for card in client.get(f"/{query}").context["cards"]}


def test_an_empty_catalog_says_how_to_fill_it(client):
    factories.release()
    response = client.get("/")
    assert "Nothing is published yet" in text(response)


def test_a_draft_is_nobody_elses_business(client):
    draft = factories.release(appliance=factories.appliance(team=factories.team(slug="acme"), slug="wiki"))
    assert client.get("/acme/wiki").status_code == 404
    assert client.get("/acme/wiki/1.0.0").status_code == 404
    client.force_login(factories.member(draft.appliance.team))
    assert client.get("/acme/wiki")["Location"] == "/dashboard/appliances/acme/wiki"


def test_a_withdrawn_version_tells_why_and_what_to_take(client):
    old = published("1.0.0")
    published("1.1.0", appliance=old.appliance)
    Release.objects.filter(pk=old.pk).update(state="withdrawn", withdrawn_reason="It ate the disk.")
    page = text(client.get("/acme/wiki/1.0.0"))
    assert "It ate the disk." in page
    assert 'href="/acme/wiki/1.1.0"' in page
    assert "wiki-1.0.0.qcow2" not in page
    assert "1.1.0" in text(client.get("/acme/wiki"))


def test_commands_are_complete(client):
    release = published(formats=("qcow2", "raw", "ova", "box-libvirt", "box-virtualbox"))
    Artifact.objects.update(evidence={"ports": [22, 80], "boot_seconds": 9.5})
    page = text(client.get("/acme/wiki", headers={"host": "images.example.org"}))
    for command in (
        "hostfwd=tcp:127.0.0.1:8080-:80,hostfwd=tcp:127.0.0.1:2222-:22",
        "virt-install --name wiki",
        "vagrant box add http://images.example.org/acme/wiki --box-version 1.0.0 --provider libvirt",
        "VBoxManage import wiki-1.0.0.ova --vsys 0 --vmname wiki",
        "govc import.ova -name=wiki wiki-1.0.0.ova",
        "ovftool --acceptAllEulas --name=wiki",
        "http://images.example.org/acme/wiki/1.0.0/r1/SHA256SUMS",
    ):
        assert command in page
    assert release.revisions.get().builds.get().artifacts.first().sha256 in page


def vagrants_commands(client, address: str) -> str:
    return html.unescape(text(client.get(address, headers={"host": "images.example.org"})))


def test_vagrants_commands_find_the_rebuild_that_is_up(client):
    release = published("1.4.0", formats=("box-libvirt",))
    release.revisions.update(state="superseded")
    revision = factories.revision(release, state="published", published_at=timezone.now())
    file(factories.build(revision, state="succeeded"), "box-libvirt", b"rebuilt")
    page = vagrants_commands(client, "/acme/wiki")
    assert "vagrant box add http://images.example.org/acme/wiki --box-version 1.4.0.2 --provider libvirt" in page
    assert 'config.vm.box_version = "~> 1.4.0.0"' in page
    assert "1.4.0.2: this takes 1.4.0 and its rebuilds" in page


def test_vagrants_commands_find_a_prerelease(client):
    published("2.0.0-rc1", formats=("box-libvirt",))
    page = vagrants_commands(client, "/acme/wiki/2.0.0-rc1")
    address = "http://images.example.org/acme/wiki?prereleases=1"
    assert f"vagrant box add '{address}' --box-version 2.0.0-rc1 --provider libvirt" in page
    assert f'config.vm.box_url = "{address}"' in page
    assert 'config.vm.box_version = "2.0.0-rc1"' in page


def test_any_providers_box_is_shown_wherever_it_is_and_for_whatever_processor(client):
    release = published(formats=("box-libvirt", "box-parallels"))
    build = release.revisions.get().builds.get()
    file(build, "box-libvirt", b"arm", architecture="arm64", name="wiki-arm64.box")
    elsewhere = {"url": "https://boxes.example.org/wiki.box"}
    factories.artifact(build, format="box-lxc", name="wiki-lxc.box", sha256="", size=0, details=elsewhere)
    page = vagrants_commands(client, "/acme/wiki")
    for shown in ("box for libvirt, arm64", "box for Parallels", "box for lxc", "kept at boxes.example.org"):
        assert shown in page
    assert 'href="https://boxes.example.org/wiki.box"' in page
    assert "--provider lxc" in page
    assert names(client, "?platform=vagrant") == {"wiki"}


def test_the_evidence_is_shown(client):
    release = published()
    build = release.revisions.get().builds.get()
    CheckResult.objects.create(
        build=build, format="qcow2", title="service: nginx", passed=True, seen="active since boot"
    )
    Artifact.objects.update(
        evidence={
            "boot_seconds": 9.5,
            "ports": [22],
            "console": "Reached target",
            "packages": {"nginx": "1.22"},
        }
    )
    page = text(client.get("/acme/wiki"))
    for shown in ("service: nginx", "active since boot", "9.5 s", "Reached target", "1 packages", "nginx"):
        assert shown in page


def test_packages_are_compared_with_the_previous_version(client):
    old = published("1.0.0")
    Artifact.objects.update(evidence={"packages": {"gone": "1", "same": "1", "newer": "1"}})
    new = published("1.1.0", appliance=old.appliance)
    Artifact.objects.filter(build__revision__release=new).update(
        evidence={"packages": {"same": "1", "newer": "2", "fresh": "1"}}
    )
    changes = client.get("/acme/wiki").context["shelf"].changes
    assert (changes.since, changes.added, changes.removed) == ("1.0.0", [("fresh", "1")], [("gone", "1")])
    assert changes.changed == [("newer", "1", "2")]


def test_markdown_cannot_act(client):
    release = published()
    Release.objects.filter(pk=release.pk).update(
        notes="**bold** <script>alert(1)</script> [x](javascript:alert(1)) ![p](http://elsewhere/p.png)"
    )
    page = text(client.get("/acme/wiki"))
    assert "<strong>bold</strong>" in page
    for bad in ("<script>alert", 'href="javascript:', "<img"):
        assert bad not in page


def test_a_superseded_revision_is_not_what_the_page_offers(client):
    release = published()
    release.revisions.update(state="superseded")
    put_up(release, number=2)
    assert "/r2/wiki-1.0.0.qcow2" in text(client.get("/acme/wiki"))


def test_the_first_page_is_small(client):
    many(30)
    assert len(client.get("/").content) < 50_000
