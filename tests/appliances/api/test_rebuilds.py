"""Rebuilding what is published: the plan, the line, the policy, and the bases under it."""

import pytest

from appliances.models import Base, Rebuild, Release, Role
from tests import factories
from tests.appliances.causes.scene import NOW, debian, published

from .conftest import Program, issue

pytestmark = pytest.mark.django_db
WIKI = "acme/wiki@1.0.0"


@pytest.fixture
def up(wiki):
    """The wiki is on the catalog, and its base has changed since."""
    revision = published("old", appliance=wiki)
    debian("old", NOW)
    debian("new", NOW)
    return revision


def test_the_plan_says_why_and_does_nothing(program, up):
    published("new", appliance=factories.appliance())  # another team's
    ci = program(Role.VIEWER)
    for query in ("", "?team=acme", "?appliance=acme/wiki", "?appliance=acme/wiki&version=1.0.0", "?base=debian:12"):
        [found] = ci("GET", f"plan{query}").json()["forecasts"]
        assert (found["release"], found["platform"], found["reason"]) == (WIKI, "qemu", "debian:12 changed")
    assert ci("GET", "plan?base=amiga:3").json() == {"forecasts": [], "more": 0}
    assert not Rebuild.objects.exists()


def test_so_many_an_hour_are_started_and_the_rest_waits(program, team, up, settings):
    settings.REBUILDS_PER_HOUR = 1
    published("new", appliance=factories.appliance(team=team, slug="tool"))
    ci = program()
    started, waits = ci("POST", "rebuilds", {"releases": [WIKI, "acme/tool@1.0.0", WIKI]}).json()
    assert (started["release"], started["state"], started["revision"]) == (WIKI, "started", 2)
    assert (started["cause"], started["because"], started["via"]) == ("base", "debian:12 changed", "token ci")
    assert (waits["state"], waits["cause"]) == ("waiting", "rebuild")
    assert ci("GET", "rebuilds?state=waiting").json()["items"] == [waits]
    assert ci("POST", f"rebuilds/{waits['number']}/cancel").json()["state"] == "cancelled"
    assert ci("POST", f"rebuilds/{started['number']}/cancel").status_code == 409
    assert len(ci("GET", "rebuilds?team=acme").json()["items"]) == 2
    assert ci("GET", "rebuilds?team=other").json()["items"] == []


def test_all_are_asked_for_or_none(program, team, up):
    factories.release(appliance=factories.appliance(team=team, slug="draft"))
    ci = program()
    assert ci("POST", "rebuilds", {"releases": [WIKI, "acme/draft@1.0.0"]}).status_code == 409
    assert ci("POST", "rebuilds", {"releases": [WIKI, "acme/nothing@1.0.0"]}).status_code == 404
    wrong = ci("POST", "rebuilds", {"releases": [WIKI, "acme/wiki"]})
    assert wrong.json()["problems"][0]["path"] == "releases.1"
    assert not Rebuild.objects.exists()


def test_another_teams_rebuild_is_not_known(up):
    stranger = Program(issue(factories.user(), "build"))
    row = Rebuild.objects.create(release=Release.objects.get(), asked_at=NOW)
    assert stranger("POST", f"rebuilds/{row.pk}/cancel").status_code == 404
    assert stranger("GET", "rebuilds").json()["items"] == []


def test_the_policy_is_chosen_and_written_down_once(program, wiki):
    ci = program()
    for _ in range(2):
        chosen = ci("PUT", "appliances/acme/wiki/rebuild-policy", {"policy": "nightly"})
        assert chosen.json()["rebuild_policy"] == "nightly"
    assert ci("GET", "appliances/acme/wiki").json()["rebuild_policy"] == "nightly"
    assert wiki.events.get().text == "rebuild policy: rebuild in the next night"


def test_bases_tell_what_is_older_than_they_are(program, up):
    published("new", appliance=factories.appliance())  # another team's, from the same base
    ci = program(Role.MAINTAINER)
    [base] = ci("GET", "bases").json()["items"]
    assert base["title"] == "debian:12"
    waits = {"release": WIKI, "platform": "qemu", "outdated": True, "standing": "waits for a person"}
    assert base["dependents"] == [waits]
    before = Base.objects.get().check_at
    assert ci("POST", f"bases/{base['number']}/look").status_code == 200
    assert Base.objects.get().check_at != before
    assert Program(issue(factories.user(), "build"))("POST", f"bases/{base['number']}/look").status_code == 404
