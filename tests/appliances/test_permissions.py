import pytest
from django.contrib.auth.models import AnonymousUser

from appliances.models import Role
from appliances.permissions import can_maintain, can_own, can_view
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, (True, False, False)),
        (Role.MAINTAINER, (True, True, False)),
        (Role.OWNER, (True, True, True)),
    ],
)
def test_a_role_may_what_it_may_and_only_in_its_team(role, may):
    team, other = factories.team(), factories.team()
    person = factories.member(team, role)
    assert (can_view(person, team), can_maintain(person, team), can_own(person, team)) == may
    assert not can_view(person, other)


def test_a_superuser_may_everything_and_strangers_nothing():
    team = factories.team()
    assert can_own(factories.user(is_superuser=True), team)
    assert not can_view(factories.user(), team)
    assert not can_view(AnonymousUser(), team)


def test_an_account_that_was_switched_off_may_nothing():
    team = factories.team()
    assert not can_view(factories.member(team, Role.OWNER, is_active=False), team)
