"""The audit log through the API."""

import pytest

from appliances import audit
from appliances.models import Event
from tests import factories

from .conftest import Program, issue

pytestmark = pytest.mark.django_db


@pytest.fixture
def history(team, wiki):
    maria = factories.user(username="maria")
    audit.record(team, "member-added", "added maria", by=None)
    audit.record(factories.release(appliance=wiki), "published", by=maria, note="Looks good.")
    audit.record(factories.team(slug="other"), "secret-set", by=maria)
    audit.record(None, "site-changed", by=maria)


def names(ci, query: str = "") -> list[str]:
    return [each["what"] for each in ci("GET", f"audit{query}").json()["items"]]


def test_of_ones_teams_the_newest_first(program, history):
    ci = program()
    newest, oldest = ci("GET", "audit").json()["items"]
    assert (newest["appliance"], newest["version"], newest["by"]) == ("wiki", "1.0.0", "maria")
    assert (newest["what"], newest["note"]) == ("published", "Looks good.")
    assert (oldest["what"], oldest["text"], oldest["by"]) == ("member-added", "added maria", None)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?what=published", ["published"]),
        ("?who=Maria", ["published"]),
        ("?appliance=acme/wiki", ["published"]),
        ("?appliance=other/wiki", []),
        ("?team=other", []),
        ("?team=acme&limit=1", ["published"]),
        ("?since=2026-01-01&until=2026-01-02", ["published"]),
    ],
)
def test_filters(program, history, query, found):
    Event.objects.filter(name="published").update(at="2026-01-02T12:00:00Z")
    assert names(program(), query) == found


def test_a_long_one_is_read_in_pages(program, history):
    ci = program()
    page = ci("GET", "audit?limit=1").json()
    assert [each["what"] for each in page["items"]] == ["published"]
    assert names(ci, page["next"].partition("audit")[2]) == ["member-added"]


def test_a_day_that_is_none_is_refused(program, history):
    assert program()("GET", "audit?since=yesterday").json()["problems"][0]["path"] == "since"


def test_administrators_see_what_belongs_to_no_team(history):
    admin = Program(issue(factories.user(is_superuser=True)))
    assert names(admin) == ["site-changed", "secret-set", "published", "member-added"]
