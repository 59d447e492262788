"""Appliances are called as publishers call their boxes: ubuntu-24.04. Every address and index takes such a name."""

from __future__ import annotations

import json

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from appliances.catalog import places
from appliances.forms import ApplianceForm
from appliances.models import Appliance, Channel, Role
from appliances.models.appliance import slug_validator
from appliances.words import DOCUMENTS
from builds.engine.bases.release import ReleaseOptions
from builds.engine.template import Parent, parse
from builds.models import Artifact
from builds.plans import plan_of
from client import names
from tests import factories
from tests.appliances.api.conftest import Program, issue
from tests.appliances.catalog.goods import put_on_sale
from tests.appliances.catalog.shelves import file
from tests.appliances.vagrant_cloud.conftest import Vagrant

NAME = "ubuntu-24.04"
PAGE = f"/acme/{NAME}"


@pytest.fixture
def ubuntu(db) -> Appliance:
    return factories.appliance(team=factories.team(slug="acme"), slug=NAME, name="Ubuntu 24.04")


@pytest.fixture
def on_sale(ubuntu: Appliance) -> Appliance:
    release = put_on_sale(ubuntu, "1.0.0", "ova", regions=("eu-west-1",))
    file(release.revisions.get().builds.get(), "box-libvirt")
    return ubuntu


@pytest.mark.parametrize("slug", [NAME, "almalinux.9", "9.4", "a.b.c", "_x-", "Box.1", "boxes.tarball"])
def test_a_name_is_words_joined_by_single_dots(slug):
    slug_validator(slug)


@pytest.mark.parametrize("slug", ["", ".", "..", ".a", "a.", "a..b", "a/b", "a b", "ü", "a\n", "a.b\n"])
def test_other_names_are_refused(slug):
    with pytest.raises(ValidationError, match="single dots between them"):
        slug_validator(slug)


@pytest.mark.parametrize("ending", [*DOCUMENTS, ".JSON"])
def test_a_name_is_no_document(ending):
    with pytest.raises(ValidationError, match=f"ends in {ending.lower()} is a document"):
        slug_validator(f"ubuntu{ending}")


@pytest.mark.parametrize(
    ("address", "view"),
    [
        ("", "catalog:appliance"),
        ("/metadata.json", "catalog:metadata"),
        ("/feed.atom", "catalog:feed"),
        ("/subscribe", "catalog:subscribe"),
        ("/stable", "catalog:channel"),
        ("/1.0.0", "catalog:version"),
        ("/1.0.0/r1/SHA256SUMS", "catalog:sums"),
        ("/1.0.0/r1/SHA256SUMS.asc", "catalog:signature"),
        ("/1.0.0/r1/a.qcow2.metadata.tar", "catalog:incus"),
        ("/1.0.0/r1/a.box", "catalog:file"),
    ],
)
def test_what_is_below_a_name_is_what_it_is_below_others(address, view):
    for name in (NAME, "feed.atom1", "items.json-x"):
        found = resolve(f"/acme/{name}{address}")
        assert (found.view_name, found.kwargs["team"], found.kwargs["appliance"]) == (view, "acme", name)


def test_documents_keep_their_addresses():
    assert resolve("/acme/feed.atom").view_name == "catalog:team-feed"
    assert resolve("/vcsp/acme/lib.json").view_name == "catalog:library"
    assert resolve("/vcsp/private/acme/lib.json").view_name == "catalog:private-library"
    assert resolve("/streams/v1/index.json").view_name == "catalog:simplestreams"
    assert resolve(f"/streams/acme/{NAME}/stable.json").view_name == "catalog:stream"
    assert resolve(f"/streams/acme/{NAME}/stable.json.asc").view_name == "catalog:stream-signature"
    assert resolve(f"/vcsp/acme/{NAME}/1.0/item.json").kwargs["appliance"] == NAME
    assert resolve(f"/vcsp/items/acme/{NAME}/1.0/item.json").kwargs["whole"]
    for odd in ("/acme/a..b", "/acme/.a", "/ac.me/wiki", f"/dashboard/appliances/acme/{NAME}."):
        with pytest.raises(Resolver404):
            resolve(odd)


def test_a_person_makes_one_and_opens_its_pages(client, db):
    team = factories.team(slug="acme")
    client.force_login(factories.member(team, Role.MAINTAINER))
    sent = {"team": team.pk, "slug": "Ubuntu-24.04", "name": "Ubuntu", "summary": "Small.", "visibility": "public"}
    assert client.post(reverse("new-appliance"), sent).status_code == 302
    assert Appliance.objects.get().slug == NAME
    for page in ("appliance", "edit-appliance", "new-release", "source", "appliance-audit", "new-channel"):
        assert client.get(reverse(page, args=("acme", NAME))).status_code == 200, page
    form = ApplianceForm({**sent, "slug": "ubuntu.json"}, teams=[team])
    assert form.errors["slug"] == ["What ends in .json is a document in an address: choose a name with another ending."]


def test_a_program_makes_one_and_finds_it(db):
    program = Program(issue(factories.team(slug="acme"), "build"))
    made = {"team": "acme", "slug": NAME, "name": "Ubuntu", "summary": "Small."}
    assert program("POST", "appliances", made).status_code == 201
    assert program("GET", f"appliances/acme/{NAME}").json()["slug"] == NAME
    assert program("GET", f"appliances/acme/{NAME}/releases").json()["items"] == []
    refused = program("POST", "appliances", {**made, "slug": "ubuntu..24"})
    assert (refused.status_code, "single dots" in refused.content.decode()) == (422, True)


def test_vagrants_tools_publish_under_it(db):
    vagrant = Vagrant(issue(factories.team(slug="acme"), "build", "publish"))
    assert vagrant.json("POST", "boxes", {"username": "acme", "name": NAME})["tag"] == f"acme/{NAME}"
    assert vagrant.publish(tag=f"acme/{NAME}")["status"] == "active"
    assert Artifact.objects.get().name == f"{NAME}-1.0.0-libvirt.box"
    for address in (PAGE, f"{PAGE}/metadata.json", f"/api/v2/vagrant{PAGE}", f"/prereleases{PAGE}"):
        found = Client(headers={"Accept": "application/json"}).get(address).json()
        assert found["name"] == f"acme/{NAME}"
        assert Client().head(found["versions"][0]["providers"][0]["url"]).status_code == 200


def test_the_page_says_what_other_tools_take_for_a_name(client, on_sale):
    text = client.get(PAGE).content.decode()
    assert f"virt-install --name {NAME} " in text
    assert f"VBoxManage startvm {NAME} " in text
    assert "source &quot;qemu&quot; &quot;ubuntu_24_04&quot;" in text
    assert "resource &quot;aws_instance&quot; &quot;ubuntu_24_04&quot;" in text
    assert "data.http.ubuntu_24_04.response_body" in text
    assert "  Ubuntu2404:\n    Type: AWS::EC2::Instance" in text
    assert places.identifier("9.4") == "_9_4"


def test_indexes_and_feeds_name_it(client, on_sale):
    assert PAGE in client.get(f"{PAGE}/feed.atom").content.decode()
    assert PAGE in client.get("/acme/feed.atom").content.decode()
    assert PAGE in client.get("/catalog.json").content.decode()
    disk = client.get(f"/streams{PAGE}/stable.json").json()["architectures"]["x86_64"]["artifacts"]["qemu"]
    assert f"{PAGE}/1.0.0/r1/{NAME}-1.0.0.qcow2" in json.dumps(disk)
    products = client.get("/streams/v1/acme-images.json").json()["products"]
    assert any(name.endswith(f":acme:{NAME}:stable:amd64") for name in products)
    assert Channel.objects.get(name="stable").get_absolute_url() == f"{PAGE}/stable"


def test_a_template_may_name_it_and_its_images_are_called_after_it(ubuntu):
    ReleaseOptions(release=f"acme/{NAME}@1.0")
    build = factories.build(factories.revision(factories.release(appliance=ubuntu, version="1.0")))
    assert plan_of(build, {}).name == f"acme-{NAME}-1.0"
    parent = Parent(f"acme/{NAME}@1.0 r1", factories.TEMPLATE)
    assert parse(f"extends: acme/{NAME}@1.0\n", lookup={f"acme/{NAME}@1.0": parent}.__getitem__).base


def test_the_command_line_reads_it():
    assert names.any_version(f"acme/{NAME}@1.0") == names.Name("acme", NAME, "1.0")
    assert names.any_version(f"acme/{NAME}") == names.Name("acme", NAME)
