"""401 without a token, 403 for what it may not do, 404 for what its owner may not know of."""

from __future__ import annotations

import base64

import pytest

from appliances.models import Appliance, Role, Scope, Token
from appliances.states import ReleaseState, Visibility
from tests import factories

from .conftest import Vagrant

pytestmark = pytest.mark.django_db
VERSION = "box/acme/wiki/version/1.0.0"
PROVIDER = f"{VERSION}/provider/libvirt"
NAMED = {"version": {"version": "2.0.0"}}
BUILD, PUBLISH = Scope.BUILD, Scope.PUBLISH
WRITING = [
    ("POST", "boxes", {"username": "acme", "name": "tiny"}, BUILD),
    ("PUT", "box/acme/wiki", {"description": "New."}, BUILD),
    ("DELETE", "box/acme/wiki", None, PUBLISH),
    ("POST", "box/acme/wiki/versions", NAMED, BUILD),
    ("PUT", VERSION, {"description": "New."}, BUILD),
    ("DELETE", VERSION, None, PUBLISH),
    ("PUT", f"{VERSION}/release", None, PUBLISH),
    ("PUT", f"{VERSION}/revoke", None, PUBLISH),
    ("POST", f"{VERSION}/providers", {"provider": {"name": "hyperv"}}, PUBLISH),
    ("PUT", PROVIDER, {"provider": {"default_architecture": True}}, PUBLISH),
    ("DELETE", PROVIDER, None, PUBLISH),
    ("GET", f"{PROVIDER}/upload", None, PUBLISH),
    ("GET", f"{PROVIDER}/upload/direct", None, PUBLISH),
]
"""Of a version that is published, and the scope that this takes: what is added to it is public at once."""
READING = ["box/acme/wiki", VERSION, PROVIDER, "user/acme", "search?q=wiki"]


@pytest.fixture
def published(vagrant, wiki):
    vagrant().publish()


@pytest.mark.parametrize(("method", "path", "body", "scope"), WRITING)
def test_writing_takes_a_token_its_scope_and_a_maintainer(published, vagrant, anybody, method, path, body, scope):
    assert "Bearer" in anybody.errors(401, method, path, body)
    assert "not known here" in Vagrant("slipway_wrong").errors(401, method, path, body)
    others = [each for each in (BUILD, PUBLISH, Scope.ADMIN) if each != scope]
    assert f"lacks the scope {scope}" in vagrant(Role.OWNER, *others).errors(403, method, path, body)
    assert "Only maintainers" in vagrant(Role.VIEWER).errors(403, method, path, body)
    assert not Appliance.objects.get().releases.exclude(state=ReleaseState.PUBLISHED).exists()


@pytest.mark.parametrize(("method", "path", "body", "scope"), WRITING)
def test_what_is_anothers_and_private_is_not_there(published, anybody, method, path, body, scope):
    Appliance.objects.update(visibility=Visibility.TEAM)
    stranger = Vagrant(Token.objects.issue("ci", Scope.values, by=factories.user())[1])
    stranger.errors(404, method, path, body)


@pytest.mark.parametrize("path", READING)
def test_reading_what_is_public_takes_nothing(published, anybody, path):
    assert "acme/wiki" in str(anybody.json("GET", path)) or path in (VERSION, PROVIDER)


def test_others_see_only_what_is_published(published, vagrant, anybody):
    client = vagrant()
    client.json("POST", "box/acme/wiki/versions", NAMED)
    client.json("POST", "box/acme/wiki/version/2.0.0/providers", {"provider": {"name": "libvirt"}})
    client.json("POST", "boxes", {"username": "acme", "name": "secret"})
    assert [each["version"] for each in anybody.json("GET", "box/acme/wiki")["versions"]] == ["1.0.0"]
    assert [each["version"] for each in client.json("GET", "box/acme/wiki")["versions"]] == ["2.0.0", "1.0.0"]
    assert [each["name"] for each in anybody.json("GET", "user/acme")["boxes"]] == ["wiki"]
    assert [each["name"] for each in client.json("GET", "user/acme")["boxes"]] == ["secret", "wiki"]
    anybody.errors(404, "GET", "box/acme/wiki/version/2.0.0")
    anybody.errors(404, "GET", "box/acme/wiki/version/2.0.0/provider/libvirt")
    anybody.errors(404, "GET", "box/acme/secret")


def test_what_is_revoked_is_only_its_teams(published, vagrant, anybody):
    client = vagrant()
    client.json("PUT", f"{VERSION}/revoke")
    anybody.errors(404, "GET", "box/acme/wiki")
    anybody.errors(404, "GET", "user/acme")
    assert anybody.json("GET", "search?q=wiki") == {"boxes": []}
    assert client.json("GET", VERSION)["status"] == "revoked"


def test_a_teams_token_writes_for_its_team_alone(team, wiki):
    client = Vagrant(Token.objects.issue("ci", (BUILD, PUBLISH), by=None, team=team)[1])
    assert client.json("GET", "authenticate") == {"user": {"username": "acme"}}
    assert client.publish()["status"] == "active"
    factories.appliance(team=factories.team(slug="other"), slug="wiki")
    client.errors(404, "POST", "box/other/wiki/versions", NAMED)
    assert client.json("POST", "boxes", {"name": "tiny"})["tag"] == "acme/tiny"


def test_a_browsers_session_counts_for_nothing(published, client, team):
    client.force_login(factories.member(team))
    assert client.put("/api/v1/box/acme/wiki/version/1.0.0/revoke").status_code == 401
    assert client.get("/api/v1/authenticate").status_code == 401


@pytest.mark.parametrize("shown", ["basic", "query"])
def test_a_token_comes_in_other_ways_too(published, client, team, shown):
    text = Token.objects.issue("ci", (BUILD,), by=factories.member(team, username="maria"))[1]
    basic = base64.b64encode(f"maria:{text}".encode()).decode()
    asked = {"headers": {"authorization": f"Basic {basic}"}} if shown == "basic" else {"data": {"access_token": text}}
    assert client.get("/api/v1/authenticate", **asked).json() == {"user": {"username": "maria"}}
