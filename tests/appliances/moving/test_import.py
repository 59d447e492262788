"""`manage.py import_boxes` from a registry that speaks Vagrant Cloud's API."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from django.core.files.storage import default_storage

from appliances import releases
from appliances.models import Appliance, Event, Release
from builds.models import Artifact

from .registry import box

pytestmark = pytest.mark.django_db
DEMO = "acme/demo"


def versions() -> dict[str, str]:
    return dict(Release.objects.values_list("version", "state"))


def test_a_box_arrives_with_all_that_it_has(registry, move):
    amd, arm = box("utm", b"amd"), box("utm", b"arm")
    registry.version(
        DEMO,
        "1.0.0",
        registry.provider(DEMO, "1.0.0", "utm", amd),
        registry.provider(DEMO, "1.0.0", "utm", arm, architecture="arm64", default_architecture=False),
        registry.provider(
            DEMO, "1.0.0", "hyperv", checksum_type="SHA512", checksum=hashlib.sha512(box("hyperv")).hexdigest().upper()
        ),
    )
    said = move(DEMO)
    assert (said.status, said.why()) == (0, [])
    assert said.rows("taken") == [
        ("1.0.0", "utm", "amd64"),
        ("1.0.0", "utm", "arm64"),
        ("1.0.0", "hyperv", "amd64"),
    ]
    appliance = Appliance.objects.get()
    assert (str(appliance), appliance.summary, appliance.description) == (DEMO, "A demo.", "Long.")
    assert appliance.visibility == "public"
    assert appliance.created_at == datetime(2021, 3, 1, 8, 30, tzinfo=UTC)
    release = Release.objects.get()
    assert (release.state, release.notes) == ("published", "What is new in 1.0.0.")
    assert release.created_at == release.published_at == datetime(2021, 3, 2, 8, 30, tzinfo=UTC)
    found = {(each.format, each.architecture): each for each in Artifact.objects.all()}
    assert {key: each.details["default_architecture"] for key, each in found.items()} == {
        ("box-utm", "amd64"): True,
        ("box-utm", "arm64"): False,
        ("box-hyperv", "amd64"): True,
    }
    with default_storage.open(found["box-utm", "arm64"].file) as file:
        assert file.read() == arm
    assert found["box-utm", "amd64"].sha256 == hashlib.sha256(amd).hexdigest()


def test_a_name_may_have_dots_but_not_end_as_a_document_does(registry, move):
    for name in ("acme/ubuntu-24.04", "acme/odd.box"):
        registry.version(name, "1.0.0", registry.provider(name, "1.0.0", "hyperv"))
    said = move("acme/ubuntu-24.04", "acme/odd.box")
    assert [str(each) for each in Appliance.objects.all()] == ["acme/ubuntu-24.04"]
    assert said.rows("taken") == [("1.0.0", "hyperv", "amd64")]
    assert (said.status, [row["box"] for row in said.report["left"]]) == (1, ["acme/odd.box"])
    assert "ends in .box" in said.why()[0]


def test_versions_stand_here_as_they_stand_there(registry, move):
    for version, status in {"1.0.0": "active", "1.1.0": "revoked", "2.0.0": "unreleased", "1.2.0": "active"}.items():
        registry.version(DEMO, version, registry.provider(DEMO, version, "hyperv"), status=status)
    assert move(DEMO).status == 0
    assert versions() == {"1.0.0": "published", "1.1.0": "withdrawn", "1.2.0": "published", "2.0.0": "draft"}
    revoked = Release.objects.get(version="1.1.0")
    assert revoked.withdrawn_reason == f"Revoked on {registry.url}."
    assert Release.objects.get(version="2.0.0").uploads.get().has_arrived
    channels = dict(Appliance.objects.get().channels.values_list("name", "release__version"))
    assert channels["stable"] == "1.2.0"


def test_a_private_box_becomes_the_teams_own(registry, move):
    registry.add(DEMO, private=True)
    registry.version(DEMO, "1.0.0", registry.provider(DEMO, "1.0.0", "hyperv"))
    assert move(DEMO).status == 0
    assert Appliance.objects.get().visibility == "team"


def test_old_versions_are_no_news_but_are_in_the_log(registry, move):
    registry.version(DEMO, "1.0.0", registry.provider(DEMO, "1.0.0", "hyperv"))
    move(DEMO)
    assert Event.objects.filter(name="published", via="import_boxes", untold=False).count() == 1
    assert not Event.objects.filter(untold=True).exists()


def test_a_second_run_takes_what_is_new(registry, move):
    first = registry.version(DEMO, "1.0.0", registry.provider(DEMO, "1.0.0", "hyperv"))
    registry.version(DEMO, "1.1.0", registry.provider(DEMO, "1.1.0", "hyperv"), status="unreleased")
    move(DEMO)
    registry.asked.clear()
    said = move(DEMO)
    assert (said.status, said.rows("taken"), len(said.rows("here"))) == (0, [], 2)
    assert registry.fetched() == []
    first["providers"].append(registry.provider(DEMO, "1.0.0", "parallels"))
    registry.boxes[DEMO]["versions"][0]["status"] = "active"
    registry.version(DEMO, "1.2.0", registry.provider(DEMO, "1.2.0", "hyperv"))
    said = move(DEMO)
    assert said.rows("taken") == [("1.0.0", "parallels", "amd64"), ("1.2.0", "hyperv", "amd64")]
    assert versions() == {"1.0.0": "published", "1.1.0": "published", "1.2.0": "published"}
    first["status"] = "revoked"
    assert move(DEMO).status == 0
    assert versions()["1.0.0"] == "withdrawn"


def test_what_was_withdrawn_here_stays_so(registry, move):
    told = registry.version(DEMO, "1.0.0", registry.provider(DEMO, "1.0.0", "hyperv"))
    move(DEMO)
    releases.withdraw(Release.objects.get(), reason="Our own.", by=None)
    assert move(DEMO).status == 0
    told["providers"].append(registry.provider(DEMO, "1.0.0", "parallels"))
    said = move(DEMO)
    assert (said.status, said.rows("left")) == (1, [("1.0.0", "parallels", "amd64")])
    assert Release.objects.get().withdrawn_reason == "Our own."


def test_a_version_that_ruby_cannot_parse_is_left_and_said(registry, move):
    for version in ("v1.0", "1.0.0+build", "1.0.0", "", "1" * 80):
        registry.version(DEMO, version, registry.provider(DEMO, version or "0", "hyperv"))
    said = move(DEMO)
    assert said.status == 1
    assert versions() == {"1.0.0": "published"}
    assert {row.get("version", "") for row in said.report["left"]} == {"", "1" * 80, "1.0.0+build", "v1.0"}


def test_a_wrong_checksum_is_said_and_nothing_of_it_stays(registry, move, data_dir):
    told = registry.provider(DEMO, "1.0.0", "hyperv", checksum="0" * 64)
    registry.version(DEMO, "1.0.0", registry.provider(DEMO, "1.0.0", "parallels"), told)
    said = move(DEMO)
    assert (said.status, said.rows("left")) == (1, [("1.0.0", "hyperv", "amd64")])
    assert f"not {'0' * 64} as declared" in said.why()[0]
    assert [each.format for each in Artifact.objects.all()] == ["box-parallels"]
    assert list((data_dir / "cache" / "moving").iterdir()) == []
    told["checksum"] = hashlib.sha256(box("hyperv")).hexdigest()
    assert move(DEMO).rows("taken") == [("1.0.0", "hyperv", "amd64")]
    assert move(DEMO).status == 0


def test_a_box_that_became_another_one_is_said(registry, move):
    told = registry.version(DEMO, "1.0.0", registry.provider(DEMO, "1.0.0", "hyperv"))
    move(DEMO)
    told["providers"] = [registry.provider(DEMO, "1.0.0", "hyperv", box("hyperv", b"another"))]
    said = move(DEMO)
    assert (said.status, said.why()) == (1, ["Another box is here under the same name."])


def test_what_cannot_be_had_does_not_keep_the_others_away(registry, move):
    gone = "http://127.0.0.1:9/gone.box"
    registry.version(
        DEMO,
        "1.0.0",
        registry.provider(DEMO, "1.0.0", "hyperv", hosted=False, original_url=gone, download_url=gone),
        registry.provider(DEMO, "1.0.0", "parallels", download_url=f"{registry.url}/nothing.box"),
        registry.provider(DEMO, "1.0.0", "docker", download_url=None),
        registry.provider(DEMO, "1.0.0", "UPPER"),
        registry.provider(DEMO, "1.0.0", "utm"),
    )
    registry.version(DEMO, "2.0.0")
    said = move(DEMO)
    assert said.status == 1
    assert said.rows("taken") == [("1.0.0", "utm", "amd64")]
    assert [row[1:2] for row in said.rows("left")] == [("hyperv",), ("parallels",), ("docker",), ("UPPER",), ()]
    unreachable, missing, never, name, empty = said.why()
    assert "127.0.0.1:9/gone.box cannot be had" in unreachable
    assert missing == f"{registry.url}/nothing.box answered 404."
    assert never == "No file of it was uploaded there."
    assert "virtualbox, libvirt" in name
    assert empty == "It has no box there."
    assert versions() == {"1.0.0": "published"}


def test_a_box_that_is_none_is_refused_and_leaves_nothing(registry, move, data_dir):
    other = registry.provider(DEMO, "1.0.0", "hyperv", box("parallels"))
    text = registry.provider(DEMO, "1.0.0", "docker", b"This is no box.")
    registry.version(DEMO, "1.0.0", other, text)
    said = move(DEMO)
    assert (said.status, len(said.why())) == (1, 2)
    assert Release.objects.get().state == "draft"
    assert not Release.objects.get().uploads.exists()
    assert [path for path in data_dir.rglob("*") if path.suffix in (".box", ".part")] == []


def test_a_box_that_others_keep_is_taken_from_there(registry, move):
    told = registry.provider(DEMO, "1.0.0", "hyperv", hosted=False)
    told |= {"original_url": told["download_url"], "download_url": f"{registry.url}/to/elsewhere"}
    registry.faults["/to/elsewhere"] = [(302, {"Location": told["original_url"]})]
    registry.version(DEMO, "1.0.0", told)
    assert move(DEMO).rows("taken") == [("1.0.0", "hyperv", "amd64")]
    assert Artifact.objects.get().file


def test_an_organisation_is_all_of_its_boxes(registry, move):
    for name in (DEMO, "acme/other"):
        registry.version(name, "1.0.0", registry.provider(name, "1.0.0", "hyperv"))
    assert move("acme").status == 0
    assert sorted(map(str, Appliance.objects.all())) == [DEMO, "acme/other"]


def test_only_some_versions(registry, move):
    for version in ("1.0.0", "1.9.0", "2.0.0", "2.1.0"):
        registry.version(DEMO, version, registry.provider(DEMO, version, "hyperv"))
    assert move(DEMO, "--only-version", "~> 1.5, != 1.8").status == 0
    assert versions() == {"1.9.0": "published"}


def test_a_dry_run_says_what_it_would_take_and_takes_nothing(registry, move):
    registry.version(DEMO, "1.0.0", registry.provider(DEMO, "1.0.0", "hyperv"))
    said = move(DEMO, "--dry-run")
    assert (said.status, said.rows("planned")) == (0, [("1.0.0", "hyperv", "amd64")])
    assert not Appliance.objects.exists()
    assert registry.fetched() == []


def test_another_team_can_be_its_owner(registry, move, acme):
    registry.version("elsewhere/demo", "1.0.0", registry.provider("elsewhere/demo", "1.0.0", "hyperv"))
    assert move("elsewhere/demo", "--team", "acme").status == 0
    assert Appliance.objects.get().team == acme


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nobody/demo"], "There is no team nobody here."),
        ([DEMO, "--only-version", ">= v1"], "is no constraint"),
        ([DEMO, "--token-from-env", "NOT_THERE"], "NOT_THERE has no token"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_asked(registry, move, arguments, says):
    said = move(*arguments)
    assert (said.status, registry.asked) == (2, [])
    assert says in said.err


def test_an_address_that_is_none_is_wrong_usage(move):
    said = move(DEMO, url="vagrantcloud.com")
    assert said.status == 2
    assert "it begins with https://" in said.err


def test_a_box_that_is_not_there_is_said(registry, move):
    said = move("acme/nothing")
    assert said.status == 1
    assert said.why() == [f"{registry.url} has no box acme/nothing."]


def test_what_a_source_wrote_does_not_move_the_terminal(registry, move):
    registry.version(DEMO, "\x1b[2J\x00", registry.provider(DEMO, "0", "hyperv"))
    registry.boxes[DEMO]["short_description"] = "a\x00b"
    said = move(DEMO)
    assert "\x1b" not in said.err
    assert Appliance.objects.get().summary == "a\ufffdb"
