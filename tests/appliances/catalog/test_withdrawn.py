"""A version that was taken back: what people and programs are told, and what they are sent to."""

import pytest

from appliances import releases
from appliances.catalog.instead import instead_of
from appliances.models import Release
from tests import factories
from tests.appliances.api.conftest import Program, issue

from .shelves import published

pytestmark = pytest.mark.django_db
FILE = "/acme/wiki/1.1.0/r1/wiki-1.1.0.qcow2"


@pytest.fixture
def bad() -> Release:
    return published("1.1.0")


def withdraw(release: Release, **options) -> Release:
    releases.withdraw(release, reason="It ate the disk.", by=None, **options)
    return release


@pytest.mark.parametrize(
    ("others", "instead"),
    [
        (("1.0.0", "1.2.0", "1.10.0", "2.0.0"), "1.10.0"),
        (("0.9.0", "2.0.0", "2.1.0-rc1"), "2.0.0"),
        (("1.2.0-rc1", "2.0.0"), "2.0.0"),
        (("2.0.0-rc1", "2.0.0-rc2"), "2.0.0-rc2"),
        ((), None),
    ],
)
def test_the_newest_of_the_same_major_version_else_the_newest(bad, others, instead):
    for version in others:
        published(version, appliance=bad.appliance)
    found = instead_of(withdraw(bad))
    assert (found and found.version) == instead


def test_what_its_team_recommends_goes_before_what_is_newer(bad):
    recommended = published("1.2.0", appliance=bad.appliance)
    published("1.3.0", appliance=bad.appliance)
    releases.promote(recommended, "stable", by=None)
    assert instead_of(withdraw(bad)) == recommended


def test_what_its_team_named_goes_first_while_it_is_up(client, bad):
    named, newest = published("1.0.0", appliance=bad.appliance), published("1.2.0", appliance=bad.appliance)
    withdraw(bad, instead=named)
    assert instead_of(bad) == named
    assert 'href="/acme/wiki/1.0.0">version 1.0.0</a> instead' in client.get("/acme/wiki/1.1.0").content.decode()
    withdraw(named)
    bad.refresh_from_db()
    assert instead_of(bad) == newest


def test_another_appliances_version_is_no_replacement(bad):
    with pytest.raises(releases.Refused, match="cannot be used instead"):
        withdraw(bad, instead=factories.release(state="published"))


def test_people_and_programs_are_told_the_same(client, bad):
    published("1.2.0", appliance=bad.appliance)
    withdraw(bad)
    page = client.get(FILE, headers={"accept": "text/html"})
    assert page.status_code == 410
    for words in ("It ate the disk.", 'href="/acme/wiki/1.2.0"', "Use version 1.2.0 instead"):
        assert words in page.content.decode()
    answer = client.get(FILE, headers={"accept": "application/json"})
    assert answer.status_code == 410
    assert "Accept" in answer["Vary"]
    assert answer.json() == {
        "detail": "acme/wiki 1.1.0 was withdrawn, so wiki-1.1.0.qcow2 cannot be downloaded any more.",
        "reason": "It ate the disk.",
        "instead": "1.2.0",
        "url": "http://testserver/acme/wiki/1.2.0",
    }
    number = bad.revisions.get().builds.get().artifacts.get().pk
    answer = Program()("GET", f"artifacts/{number}/download")
    assert (answer.status_code, answer.json()["hint"]) == (410, "Use 1.2.0 instead.")


def test_it_leaves_every_index_at_once_and_comes_back(client, bad):
    published("1.0.0", appliance=bad.appliance, formats=("qcow2", "box-libvirt"))
    indexes = ("/acme/wiki/feed.atom", "/api/v2/vagrant/acme/wiki", "/api/v1/catalog/acme/wiki/releases")

    def where() -> list[bool]:
        return ["1.1.0" in client.get(each).content.decode() for each in indexes]

    releases.withdraw(bad, reason="x", by=None)
    assert where() == [False, False, False]
    releases.restore(bad, by=None)
    assert where() == [True, False, True]  # it has no box
    assert client.head(FILE).status_code == 200
    assert bad.instead is None


def test_the_form_asks_for_the_version_to_use_instead(client, bad):
    named = published("1.0.0", appliance=bad.appliance)
    factories.release(appliance=bad.appliance, version="3.0.0")
    client.force_login(factories.member(bad.appliance.team))
    address = "/dashboard/appliances/acme/wiki/releases/1.1.0/withdraw"
    page = client.get(address).content.decode()
    assert ">1.0.0</option>" in page
    assert ">3.0.0</option>" not in page
    assert client.post(address, {"reason": "x", "instead": named.pk}).status_code == 302
    bad.refresh_from_db()
    assert (bad.state, bad.instead) == ("withdrawn", named)
    assert bad.events.get(name="withdrawn").text == "withdrawn; 1.0.0 is to be used instead"


def test_programs_may_name_it(bad):
    published("1.0.0", appliance=bad.appliance)
    program = Program(issue(bad.appliance.team, "publish"))
    path = "appliances/acme/wiki/releases/1.1.0/withdraw"
    assert program("POST", path, {"reason": "x", "instead": "9.9.9"}).status_code == 422
    assert program("POST", path, {"reason": "x", "instead": "1.0.0"}).json()["instead"] == "1.0.0"
