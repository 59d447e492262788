"""The catalog without a token: what is published, and nothing else."""

import pytest

from appliances import releases
from tests import factories
from tests.appliances.life import published

from .conftest import Program

pytestmark = pytest.mark.django_db
anybody = Program()


@pytest.fixture
def up(wiki):
    return published(factories.release(appliance=wiki, notes="New."))


def test_everybody_sees_what_is_published(wiki, up):
    factories.release(appliance=wiki, version="2.0.0")
    [found] = anybody("GET", "catalog").json()["items"]
    assert (found["appliance"], found["newest"], found["channels"]) == ("acme/wiki", "1.0.0", {"stable": "1.0.0"})
    assert anybody("GET", "catalog/acme/wiki").json() == found
    [version] = anybody("GET", "catalog/acme/wiki/releases").json()["items"]
    assert (version["version"], version["revision"], version["notes"]) == ("1.0.0", 1, "New.")
    offer = anybody("GET", version["artifacts"].removeprefix("/api/v1/"))
    assert (offer.status_code, offer.json()["published"]) == (200, True)


def test_drafts_and_what_was_withdrawn_are_not_there(wiki, up):
    releases.withdraw(up.release, reason="A hole.", by=None)
    factories.release(appliance=factories.appliance(team=wiki.team, slug="draft"))
    assert anybody("GET", "catalog").json()["items"] == []
    for address in ("catalog/acme/wiki", "catalog/acme/wiki/releases", "catalog/acme/draft"):
        assert anybody("GET", address).status_code == 404


def test_it_can_be_searched(wiki, up):
    for query, count in (("q=wiki", 1), ("q=nothing", 0), ("team=acme", 1), ("team=other", 0), ("category=x", 0)):
        assert len(anybody("GET", f"catalog?{query}").json()["items"]) == count


def test_a_token_that_is_none_is_refused_even_there(up):
    assert Program("slipway_nonsense")("GET", "catalog").status_code == 401


def test_a_page_is_a_few_queries(wiki, up, django_assert_max_num_queries):
    for number in range(5):
        published(factories.release(appliance=factories.appliance(slug=f"app{number}")))
    with django_assert_max_num_queries(4):
        assert len(anybody("GET", "catalog").json()["items"]) == 6


def test_who_finds_it_is_a_field_of_the_appliance(wiki, up, program):
    before = type(wiki).objects.get().edition
    answer = program()("PATCH", "appliances/acme/wiki", {"visibility": "team"})
    assert answer.json()["visibility"] == "team"
    assert type(wiki).objects.get().edition > before
    assert wiki.events.get(name="appliance-edited").text == "changed visibility to team"
    assert anybody("GET", "catalog/acme/wiki").status_code == 404
    assert program()("PATCH", "appliances/acme/wiki", {"visibility": "secret"}).status_code == 422
