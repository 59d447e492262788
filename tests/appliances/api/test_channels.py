"""Channels: they follow the versions until a release is promoted."""

import pytest

from tests import factories
from tests.appliances.life import published

pytestmark = pytest.mark.django_db
CHANNELS = "appliances/acme/wiki/channels"


@pytest.fixture
def versions(wiki):
    for version in ("1.0.0", "1.1.0"):
        published(factories.release(appliance=wiki, version=version))


def points(ci) -> dict[str, tuple[str, str | None]]:
    return {each["name"]: (each["version"], each["promoted"]) for each in ci("GET", CHANNELS).json()}


def test_a_release_is_promoted_until_the_channel_follows_the_versions_again(program, wiki, versions):
    ci = program()
    assert points(ci) == {"stable": ("1.1.0", None)}
    assert ci("GET", CHANNELS).json()[0]["url"].endswith("/acme/wiki/stable")
    assert ci("PUT", f"{CHANNELS}/stable", {"version": "1.0.0", "note": "1.1.0 is slow."}).status_code == 200
    ci("PUT", f"{CHANNELS}/lts", {"version": "1.0.0"})
    assert points(ci) == {"stable": ("1.0.0", "1.0.0"), "lts": ("1.0.0", "1.0.0")}
    assert wiki.events.filter(name="promoted", note="1.1.0 is slow.").count() == 1
    assert ci("DELETE", f"{CHANNELS}/stable?note=Fast%20again.").status_code == 204
    assert ci("DELETE", f"{CHANNELS}/lts").status_code == 204
    assert points(ci) == {"stable": ("1.1.0", None)}
    assert wiki.events.filter(name="unpinned", note="Fast again.").count() == 1
    assert ci("DELETE", f"{CHANNELS}/lts").status_code == 404


def test_only_what_is_published_is_promoted_and_to_a_name(program, wiki, versions):
    factories.release(appliance=wiki, version="2.0.0")
    ci = program()
    assert ci("PUT", f"{CHANNELS}/stable", {"version": "2.0.0"}).json()["hint"] == "Publish it first."
    assert ci("PUT", f"{CHANNELS}/stable", {"version": "9.0.0"}).status_code == 404
    assert ci("PUT", f"{CHANNELS}/No Name", {"version": "1.0.0"}).status_code == 409
    assert points(ci) == {"stable": ("1.1.0", None)}
