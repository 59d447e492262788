"""Pages about who is told: one's own choice, the team's, and its hooks."""

import pytest
from django.utils import timezone

from appliances.models import Hook, HookDelivery, Letter, Role, Rule
from appliances.notices import letters, links
from builds.engine.reach import Reach
from tests import factories

pytestmark = pytest.mark.django_db
TEAM = "/dashboard/teams/acme"
SECRET = "correct horse battery"
FORM = {"format": "slipway", "url": "http://127.0.0.1:9/hook", "secret": SECRET, "kinds": ["failed"]}


def text(response) -> str:
    return response.content.decode()


@pytest.fixture
def team():
    return factories.team(slug="acme", name="Acme")


@pytest.fixture
def owner(client, team):
    person = factories.member(team, Role.OWNER, username="olga", email="olga@example.org")
    client.force_login(person)
    return person


class TestMine:
    def test_what_i_choose_counts(self, client, team, owner):
        assert "a revision is on the catalog" in text(client.get("/notifications"))
        client.post("/notifications", {"email": "o@example.org", "acme-kinds": ["published"]})
        owner.refresh_from_db()
        assert owner.email == "o@example.org"
        assert letters.readers(team, "published") == [owner]
        assert letters.readers(team, "failed") == []

    def test_what_i_left_as_it_was_still_follows_the_team(self, client, team, owner):
        client.post("/notifications", {"email": "o@example.org", "acme-kinds": [*map(str, letters.kinds.USUAL)]})
        assert not Rule.objects.exists()

    def test_without_a_mail_server_the_pages_say_so(self, client, team, owner, settings):
        settings.EMAIL_BACKEND = letters.NOWHERE
        for address in ("/notifications", f"{TEAM}/notifications"):
            assert "no mail server" in text(client.get(address))

    @pytest.mark.parametrize("method", ["get", "post"])
    def test_links_of_others_do_not_exist(self, client, team, owner, method):
        good = links.sign("stop-notices", user=owner.pk, team=team.pk, kind="failed").partition(":8000")[2]
        client.logout()
        assert getattr(client, method)(good[:-1]).status_code == 404
        assert letters.readers(team, "failed") == [owner]
        assert getattr(client, method)(good).status_code == 200
        assert letters.readers(team, "failed") == ([owner] if method == "get" else [])


class TestTheTeam:
    def test_an_owner_says_what_is_usual(self, client, team, owner):
        client.post(f"{TEAM}/notifications", {"kinds": ["published"]})
        assert letters.readers(team, "published") == [owner]
        assert team.events.get().name == "notifications-changed"

    def test_letters_that_did_not_arrive_are_shown(self, client, team, owner):
        event = factories.appliance(team=team).events.create(name="failed", text="failed", team=team)
        lost = {"state": "failed", "attempts": 6, "error": "550 no such person", "due_at": timezone.now()}
        Letter.objects.create(event=event, user=owner, address="olga@example.org", **lost)
        page = text(client.get(f"{TEAM}/notifications"))
        assert "550 no such person" in page
        assert "Given up after 6 attempts" in page


class TestHooks:
    @pytest.fixture
    def hook(self, team, owner) -> Hook:
        return factories.hook(team, url=FORM["url"], secret=SECRET)

    def test_one_is_added(self, client, team, owner):
        response = client.post(f"{TEAM}/new-hook", FORM)
        hook = Hook.objects.get()
        assert response["Location"] == f"{TEAM}/hooks/{hook.pk}"
        assert (hook.url, hook.secret, hook.kinds) == (FORM["url"], SECRET, ["failed"])
        assert SECRET not in text(client.get(response["Location"]))

    def test_without_a_secret_one_is_made_and_shown_once(self, client, team, owner):
        response = client.post(f"{TEAM}/new-hook", FORM | {"secret": ""})
        hook = Hook.objects.get()
        assert hook.secret.startswith("whsec_")
        assert hook.secret in text(response)
        assert response["Cache-Control"] == "no-store"
        assert hook.secret not in text(client.get(f"{TEAM}/hooks/{hook.pk}"))

    def test_what_is_left_empty_is_kept(self, client, hook):
        client.post(f"{TEAM}/hooks/{hook.pk}", FORM | {"url": "", "secret": "", "kinds": ["published"]})
        hook.refresh_from_db()
        assert (hook.url, hook.secret, hook.kinds) == (FORM["url"], SECRET, ["published"])

    @pytest.mark.parametrize(
        ("field", "value", "said"),
        [
            ("url", "ftp://example.org/", "https://"),
            ("url", "https:///path", "name a host"),
            ("url", "http://user:word@127.0.0.1/", "Leave out the name"),
            ("url", "http://127.0.0.1:port/", "no address"),
            ("url", "http://[::1/", "no address"),
            ("url", "http://no-such-host.invalid/", "No address is known"),
            ("secret", "short", "16 characters"),
            ("kinds", [], "required"),
            ("format", "carrier-pigeon", "valid choice"),
        ],
    )
    def test_what_is_wrong_is_said(self, client, owner, field, value, said):
        response = client.post(f"{TEAM}/new-hook", FORM | {field: value})
        assert response.status_code == 422
        assert said in text(response)
        assert not Hook.objects.exists()

    @pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "0x7f.1", "localhost"])
    def test_addresses_inside_are_refused(self, client, owner, settings, host):
        settings.REACH = Reach()
        response = client.post(f"{TEAM}/new-hook", FORM | {"url": f"http://{host}/"})
        assert response.status_code == 422
        assert "not a public address" in text(response)

    def test_another_teams_appliance_is_no_choice(self, client, owner):
        response = client.post(f"{TEAM}/new-hook", FORM | {"appliance": factories.appliance().pk})
        assert response.status_code == 422

    def test_another_teams_hook_is_not_found(self, client, owner):
        assert client.get(f"{TEAM}/hooks/{factories.hook().pk}").status_code == 404

    def test_a_new_secret_is_shown_once(self, client, hook):
        response = client.post(f"{TEAM}/hooks/{hook.pk}/secret")
        hook.refresh_from_db()
        assert hook.secret in text(response)
        assert response["Cache-Control"] == "no-store"
        assert hook.secret not in text(client.get(f"{TEAM}/hooks/{hook.pk}"))

    def test_tests_and_replays_are_queued_and_shown(self, client, hook):
        client.post(f"{TEAM}/hooks/{hook.pk}/test")
        first = HookDelivery.objects.get()
        page = f"{TEAM}/hooks/{hook.pk}/deliveries/{first.pk}"
        assert first.message in text(client.get(page))
        client.post(f"{page}/replay")
        assert HookDelivery.objects.filter(message=first.message).count() == 2
        assert "(again)" in text(client.get(f"{TEAM}/hooks/{hook.pk}"))

    def test_one_that_was_switched_off_says_so_and_can_come_back(self, client, hook):
        Hook.objects.update(stopped_at=timezone.now(), failures=5)
        assert "Switched off" in text(client.get(f"{TEAM}/hooks/{hook.pk}"))
        client.post(f"{TEAM}/hooks/{hook.pk}/switch-on")
        hook.refresh_from_db()
        assert hook.stopped_at is None

    def test_removing_asks_first(self, client, hook):
        assert hook.shown in text(client.get(f"{TEAM}/hooks/{hook.pk}/remove"))
        client.post(f"{TEAM}/hooks/{hook.pk}/remove")
        assert not Hook.objects.exists()
