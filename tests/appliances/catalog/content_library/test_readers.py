"""Who is shown what: anybody, a team's own programs, strangers."""

import base64

import pytest

from appliances.models import Scope, Token
from appliances.states import Visibility
from tests import factories
from tests.appliances.catalog.shelves import with_ova

pytestmark = pytest.mark.django_db
PUBLIC, OWN = "/vcsp/acme/items.json", "/vcsp/private/acme/items.json"


def basic(password: str, name: str = "vcsp") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def token(team, **fields) -> str:
    return Token.objects.issue("vcenter", [Scope.READ], by=None, team=team, **fields)[1]


@pytest.fixture
def team():
    team = factories.team(slug="acme")
    for visibility in Visibility:
        with_ova(appliance=factories.appliance(team=team, slug=visibility, visibility=visibility))
    return team


def names(response) -> set[str]:
    assert response.status_code == 200
    return {each["name"].partition(".")[0] for each in response.json()["items"]}


def test_anybody_sees_what_is_public(client, team):
    assert names(client.get(PUBLIC)) == {"public"}
    assert names(client.get(PUBLIC, headers=basic(token(factories.team())))) == {"public"}
    for slug, status in (("public", 200), ("unlisted", 404), ("team", 404)):
        assert client.get(f"/vcsp/acme/{slug}/1.0.0/item.json").status_code == status
        assert client.get(f"/vcsp/items/acme/{slug}/1.0.0/item.json").status_code == status
    file = "/vcsp/acme/{0}/1.0.0/r1/{0}-1.0.0.ovf"
    assert [client.head(file.format(slug)).status_code for slug in Visibility] == [200, 200, 404]


@pytest.mark.parametrize("address", [PUBLIC, OWN, "/vcsp/private/items.json"])
def test_a_token_of_the_team_shows_all_of_it(client, team, address):
    who = basic(token(team))
    response = client.get(address, headers=who)
    assert names(response) >= ({"public", "unlisted", "team"} if "acme" in address else set())
    assert len(response.json()["items"]) == 3
    assert response["Cache-Control"] == "private, no-store"
    assert {"Authorization", "Cookie"} <= set(response["Vary"].split(", "))
    for item in response.json()["items"]:
        for path in (item["selfHref"], item["files"][2]["hrefs"][0]):
            found = client.head(f"{address.rpartition('/')[0]}/{path}", headers=who)
            assert found.status_code == 200
            assert found["Cache-Control"] == "private, no-store"


def test_who_does_not_say_who_they_are_is_asked_whatever_there_is(client, team):
    for address in (OWN, "/vcsp/private/acme/lib.json", "/vcsp/private/nobody/lib.json", "/vcsp/private/lib.json"):
        response = client.get(address)
        assert response.status_code == 401
        assert response["WWW-Authenticate"].startswith("Basic realm=")


def test_a_token_that_is_none_is_refused_rather_than_shown_less(client, team):
    text = token(team)
    assert client.get(PUBLIC, headers=basic(text)).status_code == 200
    Token.objects.all().delete()
    for address in (PUBLIC, OWN):
        assert client.get(address, headers=basic(text)).status_code == 401


def test_a_person_who_is_signed_in_sees_their_teams(client, team):
    client.force_login(factories.member(team))
    assert names(client.get(OWN)) == {"public", "unlisted", "team"}


def test_what_one_reader_knows_says_nothing_to_another(client, team):
    known = client.get(PUBLIC)["ETag"]
    response = client.get(PUBLIC, headers={**basic(token(team)), "if-none-match": known})
    assert response.status_code == 200
