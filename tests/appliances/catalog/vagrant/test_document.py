"""The contract with Vagrant's client: lib/vagrant/box_metadata.rb."""

from __future__ import annotations

import json

import pytest

from appliances.catalog.offers import Shop
from appliances.catalog.vagrant.boxes import Box
from appliances.catalog.vagrant.document import documents, providers
from appliances.models import Appliance
from tests import factories

from ..shelves import file, published

PAGE = "https://images.example.org/acme/wiki"


def a_box(format_: str = "box-libvirt", architecture: str = "amd64", **details: object) -> Box:
    file_ = "" if "url" in details else "key"
    return Box(1, 1, "1.0.0", 1, None, format_, architecture, "wiki 1.box", file_, "ab" * 32, details)


def shown(*boxes: Box) -> list[dict[str, object]]:
    return list(providers(boxes, PAGE))


def test_a_box_of_ours():
    assert shown(a_box()) == [
        {
            "name": "libvirt",
            "url": f"{PAGE}/1.0.0/r1/wiki%201.box",
            "checksum_type": "sha256",
            "checksum": "ab" * 32,
            "architecture": "amd64",
            "default_architecture": True,
        }
    ]


def test_a_box_elsewhere_has_the_checksum_that_was_declared():
    url = "https://example.org/x.box"
    (entry,) = shown(a_box(url=url, checksum_type="SHA512", checksum="AB12"))
    assert (entry["url"], entry["checksum_type"], entry["checksum"]) == (url, "sha512", "ab12")
    (bare,) = shown(a_box(url=url))
    assert bare.keys().isdisjoint({"checksum", "checksum_type"})


@pytest.mark.parametrize("provider", ["hyperv", "parallels", "docker", "vmware_desktop"])
def test_any_provider(provider):
    (entry,) = shown(a_box(f"box-{provider}"))
    assert entry["name"] == provider


def architectures(*boxes: Box) -> list[tuple[object, object]]:
    return [(entry.get("architecture"), entry.get("default_architecture")) for entry in shown(*boxes)]


def test_the_default_architecture_comes_last_for_clients_that_take_the_last():
    arm, amd = a_box(architecture="arm64"), a_box(architecture="amd64")
    assert architectures(amd, arm) == architectures(arm, amd) == [("arm64", False), ("amd64", True)]


def test_the_publisher_says_which_is_the_default():
    arm, amd = a_box(architecture="arm64", default_architecture=True), a_box(default_architecture=False)
    assert architectures(arm, amd) == [("amd64", False), ("arm64", True)]


def test_exactly_one_is_the_default_however_many_were_declared():
    both = (a_box(default_architecture=True), a_box(architecture="arm64", default_architecture=True))
    assert architectures(*both) == [("arm64", False), ("amd64", True)]
    neither = (a_box(architecture="s390x"), a_box(architecture="arm64"))
    assert [default for _, default in architectures(*neither)] == [False, True]


def test_only_a_single_box_of_unknown_architecture_says_nothing():
    unknown = a_box(architecture="unknown")
    assert architectures(unknown) == [(None, None)]
    assert architectures(unknown, a_box()) == [("unknown", False), ("amd64", True)]
    assert architectures(unknown, a_box("box-virtualbox")) == [(None, None), ("amd64", True)]


@pytest.mark.django_db
def test_all_documents_of_a_catalog_lie_where_any_web_server_can_serve_them():
    first = published(formats=("qcow2", "box-libvirt"))
    published("2.0.0-rc1", appliance=first.appliance, formats=("box-libvirt",))
    published(formats=("qcow2",), appliance=factories.appliance(team=first.appliance.team, slug="disks"))
    made = {each.path: each for each in documents(Shop("https://mirror.example.org", Appliance.objects.all()))}
    assert set(made) == {"acme/wiki/metadata.json", "prereleases/acme/wiki/metadata.json"}
    assert {each.media_type for each in made.values()} == {"application/json"}
    usual, whole = (json.loads(each.body)["versions"] for each in made.values())
    assert [each["version"] for each in usual] == ["1.0.0"]
    assert [each["version"] for each in whole] == ["2.0.0-rc1", "1.0.0"]
    url = usual[0]["providers"][0]["url"]
    assert url == "https://mirror.example.org/acme/wiki/1.0.0/r1/wiki-1.0.0.box-libvirt"


@pytest.mark.django_db
def test_both_architectures_of_a_version_are_listed(client):
    release = published(formats=("box-libvirt",))
    file(release.revisions.get().builds.get(), "box-libvirt", b"arm", architecture="arm64", name="wiki-arm64.box")
    (version,) = client.get("/acme/wiki/metadata.json").json()["versions"]
    assert [entry["architecture"] for entry in version["providers"]] == ["arm64", "amd64"]
    for entry in version["providers"]:
        assert client.head(entry["url"].removeprefix("http://testserver")).status_code == 200
