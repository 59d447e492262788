"""Tokens: what they open, how long, and that nobody can read them again."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliances.models import Event, Role, Scope, Token
from tests import factories

from .conftest import Program, issue

pytestmark = pytest.mark.django_db


def test_only_a_hash_is_kept(team):
    text = issue(factories.member(team), Scope.READ)
    assert text.startswith("slipway_")
    row = Token.objects.get()
    assert text not in str(vars(row))
    assert Token.objects.authenticate(text) == row
    assert Token.objects.authenticate(text + "x") is None
    assert Token.objects.authenticate(row.digest) is None


def test_a_token_ends_when_it_should(team):
    person = factories.member(team)
    ended = issue(person, Scope.READ, expires_at=timezone.now() - timedelta(seconds=1))
    later = issue(person, Scope.READ, expires_at=timezone.now() + timedelta(days=1))
    assert Program(ended)("GET", "token").status_code == 401
    assert Program(later)("GET", "token").status_code == 200
    person.is_active = False
    person.save()
    assert Program(later)("GET", "token").status_code == 401


def test_its_use_is_written_at_most_once_a_minute(team):
    program = Program(issue(factories.member(team), Scope.READ))
    program("GET", "token")
    first = Token.objects.get().used_at
    assert first
    program("GET", "token")
    assert Token.objects.get().used_at == first
    Token.objects.update(used_at=first - timedelta(minutes=2))
    program("GET", "token")
    assert Token.objects.get().used_at > first


def test_a_persons_token_may_what_the_person_may(team, wiki):
    other = factories.appliance()
    program = Program(issue(factories.member(team, Role.VIEWER), *Scope.values))
    assert [each["slug"] for each in program("GET", "appliances").json()["items"]] == ["wiki"]
    assert program("GET", f"appliances/{other}").status_code == 404
    refused = program("PATCH", "appliances/acme/wiki", {"name": "Mine"})
    assert refused.status_code == 403
    assert "role" in refused.json()["detail"]


def test_a_teams_token_acts_for_its_team_alone(team, wiki):
    owner = factories.member(team, Role.OWNER)
    other = factories.appliance()
    other.team.memberships.create(user=owner, role=Role.OWNER)
    program = Program(issue(team, *Scope.values))
    assert program("PATCH", "appliances/acme/wiki", {"name": "Ours"}).status_code == 200
    assert program("GET", f"appliances/{other}").status_code == 404
    assert [each["slug"] for each in program("GET", "teams").json()["items"]] == ["acme"]
    assert program("POST", "teams", {"slug": "more", "name": "More"}).status_code == 403


def test_a_scope_that_it_lacks_is_named(team, wiki):
    program = Program(issue(factories.member(team, Role.OWNER), Scope.PUBLISH))
    assert program("GET", "appliances/acme/wiki").status_code == 200
    refused = program("PATCH", "appliances/acme/wiki", {"name": "Mine"}).json()
    assert refused["status"] == 403
    assert "lacks the scope build" in refused["detail"]


def test_what_it_does_is_told_of_it(program, wiki):
    factories.release(appliance=wiki)
    program()("POST", "appliances/acme/wiki/releases/1.0.0/build")
    event = Event.objects.get(name="revised")
    assert event.via == "token ci"
    assert event.by is not None


def test_it_can_revoke_itself(program):
    ci = program()
    assert ci("DELETE", "token").status_code == 204
    assert ci("GET", "token").status_code == 401
    assert not Token.objects.exists()


def test_a_session_opens_nothing(client, team):
    """Else any page elsewhere could make a browser use the API."""
    client.force_login(factories.member(team, Role.OWNER))
    assert client.get("/api/v1/teams").status_code == 401
