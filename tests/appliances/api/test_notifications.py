"""Who gets what by e-mail, through the API."""

import pytest

from appliances.models import Role, Rule
from appliances.notices.kinds import USUAL
from tests import factories

from .conftest import Program, issue

pytestmark = pytest.mark.django_db


def test_everybody_chooses_for_themselves(program, team):
    viewer = program(Role.VIEWER)
    assert viewer("GET", "notifications").json() == [{"team": "acme", "kinds": []}]
    chosen = viewer("PUT", "notifications/acme", {"kinds": ["published", "failed"]})
    assert chosen.json() == {"team": "acme", "kinds": ["failed", "published"]}
    assert viewer("GET", "notifications").json() == [chosen.json()]
    assert viewer("PUT", "notifications/acme", {"kinds": ["weather"]}).status_code == 422


def test_a_teams_rule_is_for_maintainers_who_chose_nothing(program, team):
    owner, maintainer = program(), program(Role.MAINTAINER)
    assert owner("GET", "teams/acme/notifications").json()["kinds"] == USUAL
    assert owner("PUT", "teams/acme/notifications", {"kinds": ["waiting"]}).json()["kinds"] == ["waiting"]
    assert maintainer("GET", "notifications").json() == [{"team": "acme", "kinds": ["waiting"]}]
    assert team.events.get(name="notifications-changed").via == "token ci"


def test_a_teams_token_is_nobody(team):
    ci = Program(issue(team, "admin"))
    assert ci("GET", "notifications").status_code == 403
    assert ci("PUT", "notifications/acme", {"kinds": []}).status_code == 403
    assert ci("PUT", "teams/acme/notifications", {"kinds": []}).status_code == 200


def test_an_administrator_who_is_no_member_chooses_nothing(team):
    admin = Program(issue(factories.user(is_superuser=True), "admin"))
    assert admin("PUT", "notifications/acme", {"kinds": ["failed"]}).status_code == 404
    assert not Rule.objects.exists()
