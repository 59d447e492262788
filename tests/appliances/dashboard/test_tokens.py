"""The pages of tokens: shown once, revoked at once."""

import re

import pytest

from appliances.models import Event, Role, Token
from tests import factories

pytestmark = pytest.mark.django_db
FORM = {"name": "ci", "scopes": ["read", "build"], "days": "30"}


def made(response) -> str:
    return re.search(r"slipway_[\w-]+", response.content.decode()).group()


def test_a_new_token_is_shown_once(client):
    person = factories.user()
    client.force_login(person)
    response = client.post("/tokens", FORM)
    text = made(response)
    assert "no-store" in response["Cache-Control"]
    token = Token.objects.authenticate(text)
    assert (token.user, token.team, token.scopes) == (person, None, ["read", "build"])
    assert token.expires_at
    again = client.get("/tokens").content.decode()
    assert text not in again
    assert "Revoke ci" in again


def test_a_person_revokes_only_their_own(client):
    token, text = Token.objects.issue("theirs", ["read"], by=factories.user())
    client.force_login(factories.user())
    assert client.post(f"/tokens/{token.pk}/revoke").status_code == 404
    client.force_login(token.user)
    client.post(f"/tokens/{token.pk}/revoke")
    assert Token.objects.authenticate(text) is None


def test_a_teams_token_is_in_its_audit_log(client):
    team = factories.team(slug="acme")
    owner = factories.member(team, Role.OWNER)
    client.force_login(owner)
    text = made(client.post("/dashboard/teams/acme/tokens", {**FORM, "days": "0"}))
    token = Token.objects.authenticate(text)
    assert (token.user, token.team, token.created_by, token.expires_at) == (None, team, owner, None)
    client.post(f"/dashboard/teams/acme/tokens/{token.pk}/revoke")
    assert Token.objects.authenticate(text) is None
    told = list(Event.objects.filter(team=team).order_by("pk").values_list("name", flat=True))
    assert told == ["token-issued", "token-revoked"]
    assert text not in str(list(Event.objects.values()))


def test_one_click_makes_a_token_that_only_reads_and_says_how_to_use_it(client):
    client.force_login(factories.user())
    page = client.get("/tokens").content.decode()
    form = page.partition("A token for reading the catalog")[2].partition("</form>")[0]
    fields = dict(re.findall(r'type="hidden" name="(name|scopes|days)" value="(\w+)"', form))
    response = client.post("/tokens", fields)
    assert Token.objects.authenticate(made(response)).scopes == ["read"]
    page = response.content.decode()
    assert "export VAGRANT_SERVER_URL=http://testserver\nexport VAGRANT_CLOUD_TOKEN=" in page
    assert "VAGRANT_SERVER_URL" not in client.post("/tokens", FORM).content.decode()
