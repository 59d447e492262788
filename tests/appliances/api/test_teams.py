"""Teams through the API: members, secrets, accounts. What is secret goes in, and never comes out."""

import pytest

from appliances.models import Event, Membership, Role, Team, User
from tests import factories

pytestmark = pytest.mark.django_db


def test_whoever_makes_a_team_owns_it(program):
    ci = program()
    made = ci("POST", "teams", {"slug": "tools", "name": "Tools"})
    assert made.status_code == 201
    assert Membership.objects.get(team__slug="tools").role == Role.OWNER
    assert ci("POST", "teams", {"slug": "api", "name": "API"}).json()["problems"][0]["path"] == "slug"


def test_a_team_keeps_an_owner(program, team):
    ci = program(Role.OWNER)
    owner = User.objects.get()
    path = f"teams/acme/members/{owner.username}"
    assert ci("PUT", path, {"role": "viewer"}).status_code == 409
    assert ci("DELETE", path).status_code == 409
    other = factories.user()
    assert ci("PUT", f"teams/acme/members/{other.username}", {"role": "owner"}).json()["role"] == "owner"
    assert ci("DELETE", path).status_code == 204
    assert list(team.members.all()) == [other]
    assert set(Event.objects.values_list("name", flat=True)) == {"member-added", "member-removed"}


def test_a_secret_is_written_and_not_read(program, team):
    ci = program()
    assert ci("PUT", "teams/acme/secrets/licence", {"value": "open sesame"}).status_code == 200
    assert team.secret_values(["licence"]) == {"licence": "open sesame"}
    listed = ci("GET", "teams/acme/secrets")
    assert [each["name"] for each in listed.json()["items"]] == ["licence"]
    assert b"sesame" not in listed.content
    assert "sesame" not in str(list(Event.objects.values()))
    assert ci("DELETE", "teams/acme/secrets/licence").status_code == 204
    assert ci("DELETE", "teams/acme/secrets/licence").status_code == 404


def test_an_account_is_tested_when_it_comes(program, kinds, tmp_path):
    ci = program()
    (tmp_path / "gate").write_text("open sesame")
    options = {"folder": str(tmp_path), "token": "open sesame"}
    made = ci("POST", "teams/acme/accounts", {"name": "prod", "kind": "yard", "options": options})
    assert made.status_code == 201
    assert made.json()["works"] is True
    assert made.json()["options"]["folder"] == str(tmp_path)
    assert "token" not in made.json()["options"]
    assert b"sesame" not in made.content
    assert b"sesame" not in ci("POST", "teams/acme/accounts/prod/test").content
    assert ci("DELETE", "teams/acme/accounts/prod").status_code == 204


def test_what_is_wrong_with_an_account_repeats_no_secret(program, kinds):
    body = {"name": "prod", "kind": "yard", "options": {"folder": 3, "token": ["open sesame"]}}
    refused = program()("POST", "teams/acme/accounts", body)
    assert refused.status_code == 422
    assert {each["path"] for each in refused.json()["problems"]} == {"options.folder", "options.token"}
    assert b"sesame" not in refused.content
    body["kind"] = "cupboard"
    assert program()("POST", "teams/acme/accounts", body).json()["problems"][0]["path"] == "kind"


def test_the_list_of_teams_is_the_callers(program):
    factories.team()
    assert Team.objects.count() == 2
    assert [each["slug"] for each in program()("GET", "teams").json()["items"]] == ["acme"]
