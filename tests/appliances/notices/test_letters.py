"""E-mail: who gets it, what it looks like, and a mail server that is down or says no."""

import socket
from datetime import timedelta

import django_rq
import pytest
from django.utils import timezone

from appliances import audit
from appliances.models import Event, Letter, Role
from appliances.notices import errands, letters, rules, telling
from builds.states import DeliveryState
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def revision(appliance):
    return factories.revision(factories.release(appliance=appliance, version="1.4.0"))


def fail(revision, **fields) -> Event:
    return audit.record(revision, "failed", "failed on qemu", by=None, **fields)


class TestWho:
    def readers(self, team, kind="failed") -> list[str]:
        return [user.username for user in letters.readers(team, kind)]

    def test_maintainers_hear_of_what_is_usual(self, team, maintainer):
        factories.member(team, Role.VIEWER, email="viewer@example.org")
        factories.member(team, Role.OWNER, username="olga", email="olga@example.org")
        factories.member(team, Role.OWNER, email="")
        factories.member(team, Role.OWNER, email="gone@example.org", is_active=False)
        assert self.readers(team) == ["maria", "olga"]
        assert self.readers(team, "published") == []

    def test_a_team_chooses_for_them(self, team, maintainer):
        rules.choose_for_team(team, ["published", "nonsense"], by=maintainer)
        assert self.readers(team) == []
        assert self.readers(team, "published") == ["maria"]
        assert Event.objects.get(name="notifications-changed").text.endswith("published")

    def test_what_somebody_chooses_counts_more(self, team, maintainer):
        viewer = factories.member(team, Role.VIEWER, username="vera", email="vera@example.org")
        rules.choose(viewer, team, ["failed"])
        rules.choose(maintainer, team, [])
        assert self.readers(team) == ["vera"]

    def test_stopping_one_kind_keeps_the_others(self, team, maintainer):
        rules.stop(maintainer, team, "failed")
        assert self.readers(team) == []
        assert self.readers(team, "waiting") == ["maria"]

    def test_nobody_is_told_what_they_did_themselves(self, team, maintainer, revision, mailoutbox, tell):
        rules.choose(maintainer, team, ["published"])
        audit.record(revision, "published", by=maintainer)
        tell()
        assert mailoutbox == []

    def test_whoever_left_meanwhile_gets_nothing(self, team, maintainer, revision, mailoutbox, tell):
        fail(revision)
        telling.announce()
        team.memberships.all().delete()
        tell()
        assert mailoutbox == []
        assert not Letter.objects.exists()


class TestTheLetter:
    def test_it_says_what_where_and_how_to_end_it(self, maintainer, revision, post_office, tell, client):
        fail(revision, note="No package nginx.\n<b>bold</b>")
        tell()
        (letter,) = post_office.letters
        assert letter["To"] == "maria@example.org"
        assert letter["Subject"] == "Wiki 1.4.0 r1: failed on qemu"
        assert letter["Auto-Submitted"] == "auto-generated"
        assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        plain, html = (letter.get_body((kind,)).get_content() for kind in ("plain", "html"))
        for text in (plain, html):
            assert "No package nginx." in text
            assert "/dashboard/appliances/acme/wiki/releases/1.4.0/r1" in text
        assert "<b>bold</b>" in plain
        assert "&lt;b&gt;bold&lt;/b&gt;" in html
        stop = letter["List-Unsubscribe"].strip(" <>")
        assert stop in plain
        assert client.post(stop.removeprefix("http://127.0.0.1:8000")).status_code == 200
        assert letters.readers(revision.release.appliance.team, "failed") == []

    def test_what_people_wrote_adds_no_headers(self, team, maintainer, post_office, tell):
        appliance = factories.appliance(team=team, name="Wiki\r\nBcc: all@example.org")
        fail(factories.revision(factories.release(appliance=appliance)))
        tell()
        (letter,) = post_office.letters
        assert letter["Bcc"] is None
        assert letter["Subject"].startswith("Wiki Bcc: all@example.org 1.0.0 r1")


class TestAMailServer:
    def test_that_is_down_is_tried_again_and_in_the_end_given_up(self, maintainer, revision, settings, tell):
        with socket.socket() as taken:  # nobody listens there
            taken.bind(("127.0.0.1", 0))
            settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
            settings.EMAIL_HOST, settings.EMAIL_PORT = taken.getsockname()
            fail(revision)
            tell()
            letter = Letter.objects.get()
            assert (letter.state, letter.attempts) == (DeliveryState.QUEUED, 1)
            assert "could not be used" in letter.error
            assert letter.due_at > timezone.now() + errands.PAUSES[0] - timedelta(seconds=30)
            for _ in errands.PAUSES:
                Letter.objects.update(due_at=timezone.now())
                tell()
        letter.refresh_from_db()
        assert (letter.state, letter.attempts) == (DeliveryState.FAILED, len(errands.PAUSES) + 1)

    def test_that_comes_back_gets_what_waited(self, maintainer, revision, post_office, tell):
        post_office.refuse["maria@example.org"] = "451 later"
        fail(revision)
        tell()
        assert "451 later" in Letter.objects.get().error
        post_office.refuse.clear()
        Letter.objects.update(due_at=timezone.now())
        tell()
        assert Letter.objects.get().state == DeliveryState.DONE
        assert len(post_office.letters) == 1

    def test_that_knows_no_such_address_is_not_asked_again(self, maintainer, revision, post_office, tell):
        post_office.refuse["maria@example.org"] = "550 no such person"
        fail(revision)
        tell()
        letter = Letter.objects.get()
        assert (letter.state, letter.attempts) == (DeliveryState.FAILED, 1)
        assert "550 no such person" in letter.error

    def test_that_was_never_set_gets_no_letters(self, maintainer, revision, settings, tell):
        settings.EMAIL_BACKEND = letters.NOWHERE
        fail(revision)
        tell()
        assert not Letter.objects.exists()
        assert not Event.objects.filter(untold=True).exists()


def test_one_that_cannot_be_told_keeps_no_other_waiting(maintainer, revision, mailoutbox, tell, caplog):
    broken = fail(revision)
    Event.objects.filter(pk=broken.pk).update(name="published", release=None)  # a row that makes no sense
    fail(revision)
    tell()
    assert len(mailoutbox) == 1
    assert Event.objects.get(untold=True) == broken
    assert f"event {broken.pk}" in caplog.text


def test_events_that_no_worker_heard_of_are_told_by_reconcile(maintainer, revision, redis):
    fail(revision)
    queue = django_rq.get_queue("default")
    assert [job.func_name for job in queue.jobs] == ["appliances.notices.jobs.announce"]
    queue.empty()
    Event.objects.update(at=timezone.now() - timedelta(minutes=2))
    telling.reconcile(timezone.now())
    assert [job.func_name for job in queue.jobs] == ["appliances.notices.jobs.announce"]
