"""A revision that waits for somebody, what is decided, and what the audit log says of how it ended."""

import pytest

from appliances import releases
from appliances.models import Event, Role
from appliances.releases import Refused
from appliances.states import RevisionState
from builds import queue
from builds.models import Build
from builds.states import BuildState
from tests import factories
from tests.appliances.life import change, finish, published

pytestmark = pytest.mark.django_db


def ends(release) -> list[str]:
    """What was recorded of it, oldest first, but for what started it."""
    names = release.events.order_by("pk").values_list("name", flat=True)
    return [name for name in names if name not in ("revised", "rebuilt", "build-retried", "build-cancelled")]


@pytest.fixture
def appliance():
    team = factories.team(slug="acme")
    return factories.appliance(team=team, slug="wiki", name="Wiki", publish_automatically=False)


@pytest.fixture
def waiting(appliance):
    revision, _ = releases.revise(factories.release(appliance=appliance), by=None)
    finish(revision)
    return revision


class TestTheEnd:
    def test_of_a_failure_says_where_and_why(self):
        revision, _ = releases.revise(factories.release(), by=None)
        Build.objects.update(state=BuildState.FAILED, error="No package nginx.", hint="Is its name right?")
        revision.settle()
        event = revision.events.get(name="failed")
        assert event.text == "failed on qemu"
        assert event.note == "No package nginx.\nIs its name right?"

    def test_what_comes_after_a_failure_has_recovered(self):
        release = factories.release()
        revision, _ = releases.revise(release, by=None)
        finish(revision, BuildState.FAILED)
        change(release)
        finish(releases.revise(release, by=None)[0])
        change(release, "# again")
        finish(releases.revise(release, by=None)[0])
        assert ends(release) == ["failed", "recovered", "published", "published"]

    def test_a_retry_recovers_too(self):
        release = factories.release()
        revision, _ = releases.revise(release, by=None)
        finish(revision, BuildState.FAILED)
        queue.retry(revision.builds.get(), by=factories.user())
        revision.refresh_from_db()
        finish(revision)
        assert ends(release) == ["failed", "recovered", "published"]
        assert release.events.filter(name="build-retried").exists()

    def test_what_somebody_cancelled_has_not_failed(self):
        person = factories.user()
        revision, _ = releases.revise(factories.release(), by=person)
        queue.cancel(revision.builds.get(), by=person)
        assert ends(revision.release) == ["cancelled"]
        assert revision.events.get(name="build-cancelled").by == person
        assert not Event.objects.filter(untold=True).exists()

    def test_what_nobody_wants_up_any_more_is_only_ready(self):
        release = factories.release()
        published(release)
        release.refresh_from_db()
        releases.withdraw(release, reason="A hole.", by=None)
        change(release)
        finish(releases.revise(release, by=None)[0])
        assert ends(release) == ["published", "withdrawn", "ready"]


class TestTheDecision:
    def test_publishing_keeps_the_note(self, waiting):
        person = factories.user()
        assert waiting.events.get(name="waiting").text == "waits for approval"
        releases.publish(waiting, by=person, note="Tried it on staging.")
        event = waiting.events.get(name="published")
        assert (event.by, event.note) == (person, "Tried it on staging.")

    def test_rejecting_keeps_it_off_the_catalog(self, waiting):
        person = factories.user()
        for _ in range(2):
            releases.reject(waiting, by=person, note="The logo is wrong.")
        waiting.refresh_from_db()
        assert waiting.state == RevisionState.REJECTED
        assert waiting.events.get(name="rejected").note == "The logo is wrong."
        assert waiting.release.state == "draft"

    def test_on_second_thoughts_it_can_be_published(self, waiting):
        releases.reject(waiting, by=None, note="No.")
        releases.publish(waiting, by=None)
        assert waiting.state == RevisionState.PUBLISHED
        with pytest.raises(Refused, match="does not wait"):
            releases.reject(waiting, by=None, note="No!")


class TestOnPages:
    def test_what_waits_comes_first_for_who_can_decide(self, client, waiting):
        team = waiting.release.appliance.team
        other = factories.release(appliance=factories.appliance(team=team))
        factories.build(factories.revision(other, state="failed"), state="failed")
        client.force_login(factories.member(team, Role.MAINTAINER))
        page = client.get("/dashboard/").content.decode()
        assert page.index("waits for you") < page.index(other.appliance.name)
        assert "/dashboard/appliances/acme/wiki/releases/1.0.0/publish" in page
        client.force_login(factories.member(team, Role.VIEWER))
        page = client.get("/dashboard/").content.decode()
        assert "a maintainer’s approval" in page
        assert "/1.0.0/publish" not in page

    def test_the_revision_says_who_decided_what_and_why(self, client, waiting):
        team = waiting.release.appliance.team
        client.force_login(factories.member(team, Role.MAINTAINER, username="maria"))
        home = "/dashboard/appliances/acme/wiki/releases/1.0.0"
        assert set(client.get(f"{home}/r1").context["verbs"]) == {"publish", "reject"}
        assert client.post(f"{home}/reject", {"note": "", "revision": 1}).status_code == 200  # it needs a reason
        client.post(f"{home}/reject", {"note": "The logo is wrong.", "revision": 1})
        page = client.get(f"{home}/r1").content.decode()
        assert "rejected by maria" in page
        assert "The logo is wrong." in page
        client.post(f"{home}/publish", {"note": "Seen by legal.", "revision": 1})
        assert "Seen by legal." in client.get(f"{home}/r1").content.decode()
