"""The contract with Vagrant's client: action/builtin/box_add.rb, as 2.3 and 2.4 were seen to ask."""

from __future__ import annotations

import gzip

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from appliances import editing, releases
from appliances.forms import ApplianceForm
from appliances.models import Appliance, Team, Token
from appliances.states import Visibility
from tests import factories

from ..shelves import published

pytestmark = pytest.mark.django_db
CLIENT = {"accept": "application/json", "user-agent": "Vagrant/2.3.4 (+https://www.vagrantup.com; ruby3.1.2)"}
BROWSER = "text/html,application/xhtml+xml,*/*;q=0.8"
BOXES = ("box-libvirt", "box-virtualbox", "box-vmware_desktop")
# What `vagrant box add acme/wiki` asks with VAGRANT_SERVER_URL, without and with a slash at its end; and box_url.
ADDRESSES = [
    "/acme/wiki",  # 2.3 and 2.4
    "http://testserver//acme/wiki",
    "/api/v2/vagrant/acme/wiki",  # 2.4
    "http://testserver//api/v2/vagrant/acme/wiki",
    "/acme/wiki/metadata.json",
]


def versions(client, address: str = "/acme/wiki", **headers: str) -> list[str]:
    return [each["version"] for each in client.get(address, headers=CLIENT | headers).json()["versions"]]


@pytest.fixture
def wiki() -> Appliance:
    return published(formats=("qcow2", *BOXES)).appliance


@pytest.mark.parametrize("address", ADDRESSES)
def test_head_and_get_say_that_it_is_metadata(client, wiki, address):
    head, get = client.head(address, headers=CLIENT), client.get(address, headers=CLIENT)
    assert head.status_code == get.status_code == 200
    assert head["Content-Type"] == get["Content-Type"] == "application/json"
    assert head["Content-Length"] == get["Content-Length"] == str(len(get.content))
    assert (head.content, head["ETag"]) == (b"", get["ETag"])
    assert "Accept" in get["Vary"]


def test_the_document_names_the_host_that_the_client_used(client, wiki):
    document = client.get("/acme/wiki", headers=CLIENT | {"host": "images.example.org"}).json()
    assert (document["name"], document["description"]) == ("acme/wiki", wiki.summary)
    (version,) = document["versions"]
    assert version["version"] == "1.0.0"
    assert {each["name"] for each in version["providers"]} == {"libvirt", "virtualbox", "vmware_desktop"}
    for provider in version["providers"]:
        assert provider["url"].startswith("http://images.example.org/acme/wiki/1.0.0/r1/")
        assert client.head(provider["url"].removeprefix("http://images.example.org")).status_code == 200
    elsewhere = client.get("/acme/wiki", headers=CLIENT | {"host": "localhost:8000"}).content
    assert b"http://localhost:8000/acme/wiki/1.0.0" in elsewhere


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (BROWSER, "text/html"),
        ("*/*", "text/html"),
        ("", "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html;q=0.9", "application/json"),
        ("text/html;q=0.5, application/json;q=0.4", "text/html"),
        ("application/json;q=0, */*", "text/html"),
        ("application/json;q=nonsense", "application/json"),
        ("image/png", "text/html"),
        ("nonsense", "text/html"),
        (";;;,,/,q=", "text/html"),
        ("application/json;" + "x" * 5000, "text/html"),
        ("text/*;q=\u00e9", "text/html"),
    ],
)
def test_the_pages_address_answers_what_is_preferred(client, wiki, accept, kind):
    response = client.get("/acme/wiki", headers={"accept": accept})
    assert response.status_code == 200
    assert response["Content-Type"].partition(";")[0] == kind
    assert "Accept" in response["Vary"]


@pytest.mark.parametrize("accept", ["nonsense", ";;;", "text/html"])
def test_the_other_addresses_speak_nothing_else(client, wiki, accept):
    for address in ADDRESSES[2:]:
        assert client.get(address, headers={"accept": accept})["Content-Type"] == "application/json"


@pytest.mark.parametrize("address", [*ADDRESSES, "/acme/nothing", "/prereleases/acme/wiki", "/acme/wiki/1.0/r1/x"])
def test_what_there_is_not_is_said_in_json(client, address):
    published(formats=("qcow2",))  # no box
    response = client.get(address, headers=CLIENT)
    assert response.status_code == 404
    assert list(response.json()) == ["errors"]
    assert client.head(address, headers=CLIENT)["Content-Type"] == "application/json"


def test_a_person_who_finds_nothing_gets_a_page(client):
    response = client.get("/acme/nothing/9.9", headers={"accept": BROWSER})
    assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_only_what_is_published_is_offered_from_one_request_to_the_next(client, wiki):
    second = published("1.1.0", appliance=wiki, formats=BOXES)
    factories.release(appliance=wiki, version="2.0.0")
    assert versions(client) == ["1.1.0", "1.0.0"]
    releases.withdraw(second, reason="no", by=None)
    assert versions(client) == ["1.0.0"]
    releases.restore(second, by=None)
    assert versions(client) == ["1.1.0", "1.0.0"]


def test_prereleases_are_for_those_who_ask(client, wiki):
    published("2.0.0-rc1", appliance=wiki, formats=BOXES)
    for address in ADDRESSES:
        assert versions(client, address) == ["1.0.0"]
        assert versions(client, f"{address}?prereleases=1") == ["2.0.0-rc1", "1.0.0"]
        assert versions(client, f"/prereleases{address.removeprefix('http://testserver')}") == ["2.0.0-rc1", "1.0.0"]


def test_who_has_the_document_gets_it_again_only_when_it_changed(client, wiki):
    first = client.get("/acme/wiki", headers=CLIENT)
    known = CLIENT | {"if-none-match": first["ETag"]}
    with CaptureQueriesContext(connection) as queries:
        again = client.get("/acme/wiki", headers=known)
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert "Accept" in again["Vary"]
    assert len(queries) == 1
    for other in ("/acme/wiki?prereleases=1", "/acme/wiki"):
        host = "testserver" if "?" in other else "images.example.org"
        assert client.get(other, headers=known | {"host": host}).status_code == 200
    fields = {"name": wiki.name, "summary": "Another.", "rebuild_policy": "by-hand", "visibility": "public"}
    form = ApplianceForm(fields, instance=wiki, teams=Team.objects.all())
    assert form.is_valid(), form.errors
    editing.save(form, by=None)
    changed = client.get("/acme/wiki", headers=known)
    assert (changed.status_code, changed.json()["description"]) == (200, "Another.")


def test_it_is_made_once(client, wiki):
    client.get("/acme/wiki", headers=CLIENT)
    with CaptureQueriesContext(connection) as queries:
        for method in (client.get, client.head):
            assert method("/acme/wiki", headers=CLIENT | {"accept-encoding": "gzip"}).status_code == 200
    assert len(queries) == 2


@pytest.mark.parametrize(("accepted", "zipped"), [("gzip, deflate", True), ("br", False), ("gzip;q=0", False)])
def test_it_is_compressed_for_those_who_can_read_it(client, wiki, accepted, zipped):
    plain = client.get("/acme/wiki", headers=CLIENT)
    response = client.get("/acme/wiki", headers=CLIENT | {"accept-encoding": accepted})
    assert response.has_header("Content-Encoding") == zipped
    assert (gzip.decompress(response.content) if zipped else response.content) == plain.content
    assert response["Content-Length"] == str(len(response.content))
    assert "Accept-Encoding" in response["Vary"]


@pytest.fixture
def tokens(wiki) -> tuple[str, str]:
    """(its team's, another team's) token."""
    Appliance.objects.update(visibility=Visibility.TEAM)
    both = (wiki.team, factories.team())
    return tuple(Token.objects.issue("laptop", ["read"], by=None, team=team)[1] for team in both)


@pytest.mark.parametrize("address", ADDRESSES)
def test_what_is_private_is_there_for_its_team_alone(client, tokens, address):
    own, other = tokens
    assert client.get(address, headers=CLIENT).status_code == 404
    assert client.get(address, headers=CLIENT | {"authorization": f"Bearer {other}"}).status_code == 404
    assert client.get(address, headers=CLIENT | {"authorization": "Bearer nonsense"}).status_code == 404
    response = client.get(address, headers=CLIENT | {"authorization": f"Bearer {own}"})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    assert {"Accept", "Authorization", "Cookie"} <= {each.strip() for each in response["Vary"].split(",")}
    known = {"authorization": f"Bearer {other}", "if-none-match": response["ETag"]}
    assert client.get(address, headers=CLIENT | known).status_code == 404


def test_a_token_in_the_address_is_written_nowhere(client, tokens):
    own, _ = tokens
    response = client.get("/acme/wiki", {"access_token": own}, headers=CLIENT)
    assert response.status_code == 200
    assert own not in response.content.decode()
    assert own not in str(response.headers)


def test_unlisted_is_for_whoever_knows_the_address(client, wiki):
    Appliance.objects.update(visibility=Visibility.UNLISTED)
    assert versions(client) == ["1.0.0"]
