"""From nothing to a released box: the requests of `vagrant cloud publish` 2.3 (v1, flat) and 2.4 (v2, wrapped)."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import pytest
from django.core.files.storage import default_storage

from appliances.models import Appliance, Release
from appliances.states import ReleaseState, Visibility
from builds.models import Artifact
from tests.appliances.catalog.shelves import published
from tests.boxes import box

pytestmark = pytest.mark.django_db
PROVIDER = "box/acme/tiny/version/1.0.0/provider/libvirt"
BOX = {
    *("tag", "username", "name", "private", "short_description", "description", "description_markdown"),
    *("description_html", "downloads", "created_at", "updated_at", "current_version"),
}
NEW = {"username": "acme", "name": "tiny", "short_description": "Small.", "description": "# Tiny", "is_private": False}


@pytest.mark.parametrize(
    ("api", "wrapped", "provider", "place"),
    [
        ("v1", False, {"name": "libvirt"}, PROVIDER),
        ("v2", True, {"name": "libvirt", "architecture": "amd64", "default_architecture": True}, f"{PROVIDER}/amd64"),
    ],
)
def test_a_box_is_made_filled_and_released(vagrant, team, api, wrapped, provider, place):
    client, content = vagrant(api=api), box()
    assert client.json("GET", "user/acme")["boxes"] == []
    made = client.json("POST", "boxes", {"box": NEW} if wrapped else NEW)
    assert made.keys() == {*BOX, "versions"}
    assert (made["tag"], made["short_description"], made["description"]) == ("acme/tiny", "Small.", "# Tiny")
    assert made["current_version"] is None
    assert made["created_at"]
    said = {"version": "1.0.0", "description": "first"}
    version = client.json("POST", "box/acme/tiny/versions", {"version": said})
    assert (version["version"], version["status"], version["description"]) == ("1.0.0", "unreleased", "first")
    assert version["created_at"]
    shown = client.json("POST", "box/acme/tiny/version/1.0.0/providers", {"provider": provider})
    assert shown["created_at"]
    assert shown["hosted"] is True

    prepared = client.json("GET", f"{place}/upload/direct")
    assert prepared["callback"].startswith(f"http://testserver/api/{api}/")
    assert "?" not in prepared["callback"]
    assert client.upload(place, content).status_code == 200

    released = client.json("PUT", "box/acme/tiny/version/1.0.0/release")
    assert released["status"] == "active"
    (shown,) = released["providers"]
    assert (shown["checksum_type"], shown["checksum"]) == ("sha256", hashlib.sha256(content).hexdigest())
    artifact = Artifact.objects.get()
    assert artifact.format == "box-libvirt"
    with default_storage.open(artifact.file) as file:
        assert file.read() == content
    whole = client.json("GET", "box/acme/tiny")
    assert whole["current_version"]["version"] == "1.0.0"
    assert [each["version"] for each in whole["versions"]] == ["1.0.0"]
    (listed,) = client.json("GET", "user/acme")["boxes"]
    assert listed.keys() == BOX


def test_the_address_of_a_released_box_gives_the_file(vagrant, wiki, client):
    released = vagrant().publish()

    address = urlsplit(released["providers"][0]["download_url"])

    assert b"".join(client.get(address.path).streaming_content) == box()


def test_released_twice_says_the_words_that_packer_looks_for(vagrant, wiki):
    client = vagrant()
    client.publish()
    assert "already been released" in client.errors(422, "PUT", "box/acme/wiki/version/1.0.0/release")


def test_what_was_revoked_can_be_released_again(vagrant, wiki):
    client = vagrant()
    client.publish()
    assert client.json("PUT", "box/acme/wiki/version/1.0.0/revoke")["status"] == "revoked"
    assert Release.objects.get().state == ReleaseState.WITHDRAWN
    assert client.json("GET", "box/acme/wiki")["current_version"] is None
    assert client.json("PUT", "box/acme/wiki/version/1.0.0/release")["status"] == "active"


def test_only_a_released_version_is_revoked(vagrant, wiki):
    client = vagrant()
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    assert "never published" in client.errors(409, "PUT", "box/acme/wiki/version/1.0.0/revoke")


def test_without_a_box_nothing_is_released(vagrant, wiki):
    client = vagrant()
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    assert "No box" in client.errors(422, "PUT", "box/acme/wiki/version/1.0.0/release")
    client.json("POST", "box/acme/wiki/version/1.0.0/providers", {"provider": {"name": "libvirt"}})
    assert "No box" in client.errors(409, "PUT", "box/acme/wiki/version/1.0.0/release")


def test_a_box_kept_elsewhere_is_only_named(vagrant, wiki):
    client, url = vagrant(), "https://boxes.example.org/wiki.box"
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    provider = {"name": "virtualbox", "url": url, "checksum": "AB" * 32, "checksum_type": "SHA256"}
    client.json("POST", "box/acme/wiki/version/1.0.0/providers", {"provider": provider})
    (shown,) = client.json("PUT", "box/acme/wiki/version/1.0.0/release")["providers"]
    assert (shown["hosted"], shown["original_url"], shown["download_url"]) == (False, url, url)
    assert (shown["checksum_type"], shown["checksum"]) == ("sha256", "ab" * 32)


def test_another_provider_is_added_to_a_released_version(vagrant, wiki):
    client = vagrant()
    client.publish()
    client.json("POST", "box/acme/wiki/version/1.0.0/providers", {"provider": {"name": "hyperv"}})
    assert client.upload("box/acme/wiki/version/1.0.0/provider/hyperv", box("hyperv")).status_code == 200
    shown = client.json("GET", "box/acme/wiki")["versions"][0]
    assert [each["name"] for each in shown["providers"]] == ["hyperv", "libvirt"]
    assert all(each["download_url"] for each in shown["providers"])


def test_a_released_box_stays_as_it_is(vagrant, wiki):
    client = vagrant()
    client.publish()
    provider = "box/acme/wiki/version/1.0.0/provider/libvirt"
    assert "new version" in client.errors(409, "GET", f"{provider}/upload")
    assert "new version" in client.errors(409, "DELETE", provider)
    assert "new version" in client.errors(409, "PUT", provider, {"provider": {"url": "https://example.org/x.box"}})


def test_a_box_is_edited_and_what_is_not_said_stays(vagrant, wiki):
    client = vagrant()
    said = {"short_description": None, "description": "Much more.", "is_private": None}
    shown = client.json("PUT", "box/acme/wiki", {"box": said})
    assert (shown["short_description"], shown["description"]) == ("A wiki.", "Much more.")
    assert client.json("PUT", "box/acme/wiki", {"short_description": "New."})["description"] == "Much more."
    assert "keeps its name" in client.errors(422, "PUT", "box/acme/wiki", {"name": "other"})


def test_a_private_box_is_the_teams(vagrant, team, anybody):
    client = vagrant()
    assert client.json("POST", "boxes", {"box": {**NEW, "is_private": True}})["private"] is True
    client.publish(tag="acme/tiny")
    assert Appliance.objects.get().visibility == Visibility.TEAM
    anybody.errors(404, "GET", "box/acme/tiny")
    anybody.errors(404, "GET", "user/acme")
    assert client.json("PUT", "box/acme/tiny", {"is_private": False})["private"] is False
    assert anybody.json("GET", "box/acme/tiny")["tag"] == "acme/tiny"
    assert client.json("PUT", "box/acme/tiny", {"is_private": True})["private"] is True
    anybody.errors(404, "GET", "box/acme/tiny")


def test_an_unlisted_box_stays_unlisted_when_it_is_not_private(vagrant, wiki):
    Appliance.objects.update(visibility=Visibility.UNLISTED)
    assert vagrant().json("PUT", "box/acme/wiki", {"is_private": False})["private"] is False
    assert Appliance.objects.get().visibility == Visibility.UNLISTED


def test_a_versions_description_is_edited(vagrant, wiki):
    client = vagrant()
    client.publish()
    place = "box/acme/wiki/version/1.0.0"
    for said in ("Fixed.", None):
        shown = client.json("PUT", place, {"version": {"version": "1.0.0", "description": said}})
        assert shown["description"] == "Fixed."
    assert "keeps its name" in client.errors(422, "PUT", place, {"version": {"version": "1.0.1"}})


def test_what_was_never_released_is_deleted(vagrant, wiki):
    client = vagrant()
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    assert client.json("DELETE", "box/acme/wiki/version/1.0.0")["version"] == "1.0.0"
    client.errors(404, "GET", "box/acme/wiki/version/1.0.0")
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    assert client.json("DELETE", "box/acme/wiki")["tag"] == "acme/wiki"
    client.errors(404, "GET", "box/acme/wiki")
    assert not Appliance.objects.exists()


def test_what_was_released_is_withdrawn_instead(vagrant, wiki):
    client = vagrant()
    client.publish("1.0.0")
    client.publish("1.1.0")
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "2.0.0"}})
    assert client.json("DELETE", "box/acme/wiki/version/1.0.0")["status"] == "active"
    assert client.json("GET", "box/acme/wiki/version/1.0.0")["status"] == "revoked"
    client.json("DELETE", "box/acme/wiki")
    shown = client.json("GET", "box/acme/wiki")["versions"]
    assert [(each["version"], each["status"]) for each in shown] == [("1.1.0", "revoked"), ("1.0.0", "revoked")]


def test_without_an_architecture_the_box_is_meant_that_has_not_arrived(vagrant, wiki):
    """Packer's clean-up names none; it must not take away what is there."""
    client, version = vagrant(api="v2"), "box/acme/wiki/version/1.0.0"
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    for architecture in ("amd64", "arm64"):
        declared = {"name": "libvirt", "architecture": architecture}
        client.json("POST", f"{version}/providers", {"provider": declared})
    client.upload(f"{version}/provider/libvirt/amd64")
    assert client.json("DELETE", f"{version}/provider/libvirt")["architecture"] == "arm64"
    client.json("POST", f"{version}/providers", {"provider": {"name": "libvirt", "architecture": "arm64"}})
    client.upload(f"{version}/provider/libvirt/arm64")
    assert "…/provider/libvirt/arm64" in client.errors(409, "DELETE", f"{version}/provider/libvirt")
    assert client.json("GET", f"{version}/provider/libvirt")["architecture"] == "amd64"  # the default


def test_a_providers_declaration_is_changed(vagrant, wiki):
    client, version = vagrant(api="v2"), "box/acme/wiki/version/1.0.0"
    client.json("POST", "box/acme/wiki/versions", {"version": {"version": "1.0.0"}})
    client.json("POST", f"{version}/providers", {"provider": {"name": "libvirt", "architecture": "amd64"}})
    changed = {
        "name": "libvirt",
        "url": None,
        "checksum": "ab" * 32,
        "checksum_type": "sha256",
        "architecture": "arm64",
    }
    shown = client.json("PUT", f"{version}/provider/libvirt/amd64", {"provider": changed})
    assert (shown["architecture"], shown["checksum"]) == ("arm64", "ab" * 32)
    client.errors(404, "GET", f"{version}/provider/libvirt/amd64")


def test_boxes_that_were_built_here_are_shown_and_stay(vagrant, wiki, anybody):
    published(appliance=wiki, formats=("qcow2", "box-libvirt", "box-virtualbox"))
    shown = anybody.json("GET", "box/acme/wiki")
    (version,) = shown["versions"]
    assert shown["current_version"] == version
    assert [each["name"] for each in version["providers"]] == ["libvirt", "virtualbox"]
    assert version["providers"][0]["download_url"] == "http://testserver/acme/wiki/1.0.0/r1/wiki-1.0.0.box-libvirt"
    client, place = vagrant(), "box/acme/wiki/version/1.0.0/provider/libvirt"
    for method, path in (("DELETE", place), ("PUT", place), ("GET", f"{place}/upload/direct")):
        assert "was built here" in client.errors(409, method, path, {})
