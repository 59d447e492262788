"""The dashboard's first page, appliances and teams."""

import pytest

from appliances.models import Appliance, Membership, Role, Team
from builds.models import Build
from tests import factories

pytestmark = pytest.mark.django_db


def text(response) -> str:
    return response.content.decode()


@pytest.fixture
def owner(client):
    person = factories.member(factories.team(slug="acme", name="Acme"), Role.OWNER, username="maria")
    client.force_login(person)
    return person


def test_a_newcomer_sees_three_steps(client):
    client.force_login(factories.user())
    page = text(client.get("/dashboard/"))
    for step in ("Create a team", "Describe the appliance", "Save its first release", "base: debian:12"):
        assert step in page


def test_the_matrix_takes_the_same_few_queries(client, owner, django_assert_max_num_queries):
    team = Team.objects.get()

    def grow(count: int) -> None:
        for _ in range(count):
            release = factories.release(appliance=factories.appliance(team=team))
            factories.build(factories.revision(release, state="failed"), state="failed", error="Broken.")

    def measure() -> int:
        with django_assert_max_num_queries(14) as queries:
            client.get("/dashboard/")
        return len(queries)

    grow(2)
    few = measure()
    grow(60)
    assert measure() == few


def test_what_needs_me_is_mine_and_current(client, owner):
    appliance = factories.appliance(team=Team.objects.get(), name="Mine")
    release = factories.release(appliance=appliance)
    old = factories.build(factories.revision(release, state="failed"), state="failed", error="Old news.")
    new = factories.build(factories.revision(release, state="failed"), state="failed", error="Broken now.")
    factories.build(factories.revision(state="failed"), state="failed", error="Not my team.")
    context = client.get("/dashboard/").context
    assert context["failing"] == [new]
    assert old not in context["failing"]
    Build.objects.filter(pk=new.pk).update(state="running")
    assert client.get("/dashboard/").context["active"] == [new]


@pytest.mark.parametrize("slug", ["admin", "dashboard", "API", "static"])
def test_the_sites_own_words_are_no_teams(client, owner, slug):
    response = client.post("/dashboard/teams/new", {"name": "X", "slug": slug})
    assert "address of this site" in text(response)
    assert not Team.objects.filter(slug=slug).exists()


def test_who_creates_a_team_owns_it(client, owner):
    client.post("/dashboard/teams/new", {"name": "New", "slug": "new-team"})
    assert Membership.objects.get(team__slug="new-team").role == Role.OWNER


def test_an_appliance_is_made_for_ones_own_team_only(client, owner):
    other = factories.team()
    fields = {"name": "Wiki", "slug": "wiki", "summary": "A wiki.", "visibility": "public"}
    client.post("/dashboard/appliances/new", {**fields, "team": other.pk})
    assert not Appliance.objects.exists()
    response = client.post("/dashboard/appliances/new", {**fields, "team": Team.objects.get(slug="acme").pk})
    assert response["Location"] == "/dashboard/appliances/acme/wiki/new-release"


def test_the_last_owner_stays(client, owner):
    membership = owner.memberships.get()
    page = client.post(f"/dashboard/teams/acme/members/{membership.pk}/remove", follow=True)
    assert "needs an owner" in text(page)
    client.post("/dashboard/teams/acme/members", {"username": "maria", "role": "viewer"})
    membership.refresh_from_db()
    assert membership.role == Role.OWNER


def test_a_secret_goes_in_and_never_comes_out(client, owner):
    value = "correct horse battery staple"
    response = client.post("/dashboard/teams/acme/secrets", {"name": "db_password", "value": value}, follow=True)
    assert "db_password" in text(response)
    assert value not in text(response)
    team = Team.objects.get()
    assert team.secret_values(["db_password"]) == {"db_password": value}
    again = client.post("/dashboard/teams/acme/secrets", {"name": "not a name", "value": value})
    assert again.status_code == 422
    assert value not in text(again)


def test_the_first_visitor_of_a_fresh_site_learns_how_to_begin(client):
    assert "createsuperuser" in text(client.get("/login"))
    factories.user()
    assert "createsuperuser" not in text(client.get("/login"))
