"""The audit log's pages: what is in it, who sees what, filters and exports."""

import csv
import io
import json
from datetime import timedelta

import pytest
from django.utils import timezone

from appliances import accounts, audit
from appliances.models import Event, Role
from builds.models import Delivery
from tests import factories

pytestmark = pytest.mark.django_db
TEAM = "/dashboard/teams/acme"


@pytest.fixture
def team():
    return factories.team(slug="acme", name="Acme")


@pytest.fixture
def owner(client, team):
    person = factories.member(team, Role.OWNER, username="olga")
    client.force_login(person)
    return person


def content(response) -> str:
    return b"".join(response.streaming_content).decode()


class TestWhatIsRecorded:
    def test_members_and_secrets(self, client, team, owner):
        factories.user(username="maria")
        client.post(f"{TEAM}/members", {"username": "maria", "role": "viewer"})
        client.post(f"{TEAM}/members", {"username": "maria", "role": "maintainer"})
        client.post(f"{TEAM}/members", {"username": "maria", "role": "maintainer"})
        membership = team.memberships.get(user__username="maria")
        client.post(f"{TEAM}/members/{membership.pk}/remove")
        client.post(f"{TEAM}/secrets", {"name": "token", "value": "correct horse"})
        client.post(f"{TEAM}/secrets/{team.secrets.get().pk}/remove")
        assert [*team.events.order_by("pk").values_list("text", flat=True)] == [
            "added maria as viewer",
            "made maria maintainer, before viewer",
            "removed maria",
            "set the secret token",
            "removed the secret token",
        ]
        assert {event.by for event in team.events.all()} == {owner}
        assert not Event.objects.filter(note__contains="horse").exists()

    def test_the_last_owner_stays(self, client, team, owner):
        client.post(f"{TEAM}/members", {"username": "olga", "role": "viewer"})
        client.post(f"{TEAM}/members/{team.memberships.get().pk}/remove")
        assert team.memberships.get().role == Role.OWNER
        assert not team.events.exists()

    def test_accounts(self, kinds, team, owner):
        row = factories.account(team, name="prod")
        accounts.keep(row, {"folder": "/nowhere", "token": "x"}, by=owner)
        accounts.test(row, by=owner)
        accounts.remove(row, by=owner)
        names = team.events.order_by("pk").values_list("name", flat=True)
        assert [*names] == ["account-added", "account-changed", "account-tested", "account-removed"]

    def test_teams_appliances_and_releases(self, client, owner):
        client.post("/dashboard/teams/new", {"name": "Harbour", "slug": "harbour"})
        team = owner.teams.get(slug="harbour")
        fields = {"name": "Wiki", "summary": "A wiki.", "visibility": "public"}
        client.post("/dashboard/appliances/new", {**fields, "team": team.pk, "slug": "wiki"})
        client.post("/dashboard/appliances/harbour/wiki/edit", {**fields, "name": "MediaWiki", "visibility": "team"})
        home = "/dashboard/appliances/harbour/wiki"
        release = {"template": factories.TEMPLATE, "source_kind": "inline", "save": "1"}
        client.post(f"{home}/new-release", {**release, "version": "1.0.0"})
        client.post(f"{home}/releases/1.0.0", {**release, "notes": "New."})
        assert [*team.events.order_by("pk").values_list("name", "text")] == [
            ("team-created", "created the team Harbour"),
            ("appliance-created", "appliance created"),
            ("appliance-edited", "changed name, visibility to team"),
            ("release-created", "release created"),
            ("release-edited", "changed notes"),
        ]

    def test_deliveries_that_somebody_tries_again(self, client, team, owner):
        release = factories.release(appliance=factories.appliance(team=team, slug="wiki"))
        build = factories.build(factories.revision(release), state="succeeded")
        image = factories.artifact(build, format="ami", reference="ami-1", region="home")
        failed = {"wanted": "published", "state": "failed", "error": "No.", "due_at": timezone.now()}
        row = Delivery.objects.create(artifact=image, **failed)
        client.post(f"/dashboard/appliances/acme/wiki/releases/1.0.0/deliveries/{row.pk}/retry")
        assert team.events.get().text == "tried ami-1 in home again"

    def test_failed_sign_ins_of_people_who_are_here_now_and_then(self, client, team, owner):
        client.logout()
        for name in ("olga", "olga", "my-password"):
            client.post("/login", {"username": name, "password": "wrong"})
        event = Event.objects.get()
        assert (event.name, event.team, event.text) == ("sign-in-failed", None, "somebody failed to sign in as olga")


class TestWhoSeesIt:
    def test_everything_is_for_those_who_run_the_site(self, client, team, owner):
        audit.record(None, "sign-in-failed", by=None)
        audit.record(factories.team(), "secret-set", "set the secret elsewhere", by=None)
        assert client.get("/audit").status_code == 404
        assert "elsewhere" not in client.get(f"{TEAM}/audit").content.decode()
        client.force_login(factories.user(is_superuser=True))
        page = client.get("/audit").content.decode()
        assert "elsewhere" in page
        assert "this site" in page

    def test_an_appliance_has_its_own(self, client, team, owner):
        wiki, other = factories.appliance(team=team, slug="wiki"), factories.appliance(team=team)
        audit.record(wiki, "appliance-edited", "changed mine", by=owner)
        audit.record(other, "appliance-edited", "changed another", by=owner)
        page = client.get("/dashboard/appliances/acme/wiki/audit").content.decode()
        assert "changed mine" in page
        assert "changed another" not in page


class TestFilters:
    @pytest.fixture
    def log(self, team, owner):
        wiki = factories.appliance(team=team, slug="wiki")
        old = audit.record(wiki, "appliance-edited", "old", by=owner)
        Event.objects.filter(pk=old.pk).update(at=timezone.now() - timedelta(days=10))
        audit.record(wiki, "appliance-edited", "edited", by=owner)
        with audit.via("token ci"):
            audit.record(team, "secret-set", "=HYPERLINK(1)", by=factories.member(team, username="maria"))
        return Event.objects.all()

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("", ["=HYPERLINK(1)", "edited", "old"]),
            ("who=MARIA", ["=HYPERLINK(1)"]),
            ("who=nobody", []),
            ("what=appliance-edited", ["edited", "old"]),
            ("what=nonsense&appliance=nonsense&since=never&page=none", ["=HYPERLINK(1)", "edited", "old"]),
            ("appliance=wiki&since=DAY", ["edited"]),
            ("until=DAY", ["old"]),
        ],
    )
    def test_each_narrows(self, client, log, query, found):
        day = (timezone.now() - timedelta(days=5)).strftime("%Y-%m-%d")
        page = client.get(f"{TEAM}/audit?{query.replace('DAY', day)}").context["page"]
        assert [event.text for event in page] == found

    def test_long_logs_have_pages(self, client, team, owner, django_assert_max_num_queries):
        for number in range(120):
            audit.record(team, "secret-set", f"number {number}", by=owner)
        with django_assert_max_num_queries(14):
            page = client.get(f"{TEAM}/audit?page=3").context["page"]
        assert [event.text for event in page] == [f"number {number}" for number in range(19, -1, -1)]

    def test_csv_is_whole_and_harmless(self, client, log):
        response = client.get(f"{TEAM}/audit?format=csv")
        assert response["Content-Disposition"] == 'attachment; filename="audit-acme.csv"'
        rows = list(csv.DictReader(io.StringIO(content(response))))
        assert [row["text"] for row in rows] == ["'=HYPERLINK(1)", "edited", "old"]
        assert (rows[0]["by"], rows[0]["via"], rows[1]["appliance"]) == ("maria", "token ci", "wiki")

    def test_json_lines_follow_the_filters(self, client, log):
        response = client.get(f"{TEAM}/audit?format=jsonl&who=maria")
        (line,) = map(json.loads, content(response).splitlines())
        assert line["text"] == "=HYPERLINK(1)"
        assert line["what"] == "secret-set"
