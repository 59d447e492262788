"""Hooks are called, signed, and tried again; what answers badly does no harm here."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import timedelta

import pytest
from django.utils import timezone

from appliances import audit
from appliances.models import Event, Hook, HookDelivery
from appliances.notices import errands, hooks, telling
from builds.engine.reach import Reach
from builds.states import DeliveryState
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "correct horse battery"


@pytest.fixture
def hook(team, receiver) -> Hook:
    return factories.hook(team, url=receiver.url, secret=SECRET)


@pytest.fixture
def revision(appliance):
    return factories.revision(factories.release(appliance=appliance, version="1.4.0"))


def newest() -> HookDelivery:
    return HookDelivery.objects.first()


def make_due() -> None:
    HookDelivery.objects.update(due_at=timezone.now())


class TestTheMessage:
    def test_it_says_what_happened_and_is_signed(self, hook, receiver, revision, tell):
        audit.record(revision, "failed", "failed on qemu", by=None, note="No package nginx.")
        tell()
        ((headers, body),) = receiver.calls
        said = json.loads(body)
        assert said["type"] == "failed"
        assert said["data"] | {"url": "", "catalog_url": "", "event": 0} == {
            "event": 0, "text": "failed on qemu", "note": "No package nginx.", "by": None, "via": "", "team": "acme",
            "appliance": "wiki", "version": "1.4.0", "revision": 1, "cause": "change", "because": "",
            "platforms": ["qemu"], "url": "", "catalog_url": "",
        }  # fmt: skip
        assert said["data"]["url"].endswith("/dashboard/appliances/acme/wiki/releases/1.4.0/r1")
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
        assert (newest().state, newest().status) == (DeliveryState.DONE, 200)

    def test_a_chat_gets_a_line_in_which_nothing_acts(self, team, receiver, revision, tell):
        factories.hook(team, url=receiver.url, format="slack")
        with audit.via("token <!channel>"):
            audit.record(revision, "failed", "failed on <qemu> & ec2", by=None, note="<http://evil|ok>\nmore")
        tell()
        ((headers, body),) = receiver.calls
        text = json.loads(body)["text"]
        assert "|Wiki 1.4.0 r1> failed on &lt;qemu&gt; &amp; ec2" in text
        assert text.endswith("\n> &lt;http://evil|ok&gt;")
        assert "<!" not in text
        assert "webhook-signature" not in headers

    def test_only_for_what_it_wants(self, team, appliance, receiver, revision, tell):
        factories.hook(team, url=receiver.url, kinds=["published"])
        factories.hook(team, url=receiver.url, appliance=factories.appliance(team=team))
        factories.hook(url=receiver.url)  # of another team
        factories.hook(team, url=receiver.url, stopped_at=timezone.now())
        audit.record(revision, "failed", by=None)
        audit.record(revision, "revised", by=None)
        tell()
        assert receiver.calls == []

    def test_twice_is_once(self, hook, receiver, revision, tell):
        audit.record(revision, "failed", by=None)
        tell()
        Event.objects.update(untold=True)  # a worker was killed before it could write that down
        tell()
        assert len(receiver.calls) == 1


class TestFailures:
    @pytest.mark.parametrize(
        ("answer", "status", "error"),
        [
            (500, 500, "It answered 500."),
            (404, 404, "It answered 404."),
            ((302, {"location": "http://10.0.0.1/"}, b""), 302, "we follow no redirects"),
            (None, None, "It broke the connection"),
        ],
    )
    def test_it_is_said_and_tried_again(self, hook, receiver, answer, status, error, tell):
        receiver.answers = [answer]
        hooks.test(hook)
        tell()
        found = newest()
        assert (found.state, found.attempts, found.status) == (DeliveryState.QUEUED, 1, status)
        assert error in found.error
        make_due()
        tell()
        assert (newest().state, newest().attempts, newest().error) == (DeliveryState.DONE, 2, "")
        (first, _), (second, _) = receiver.calls
        assert first["webhook-id"] == second["webhook-id"]

    def test_the_pauses_grow_and_end(self, hook, receiver):
        row = hooks.test(hook)
        now = row.due_at
        for pause in errands.PAUSES:
            taken = errands.take(HookDelivery, now)
            assert taken == row
            assert errands.take(HookDelivery, now) is None  # it is one worker's alone
            errands.end(taken, now, "It answered 500.")
            assert taken.state == DeliveryState.QUEUED
            assert errands.take(HookDelivery, now + pause - timedelta(seconds=1)) is None
            now += pause
        last = errands.take(HookDelivery, now)
        errands.end(last, now, "It answered 500.")
        assert (last.state, last.attempts) == (DeliveryState.FAILED, len(errands.PAUSES) + 1)

    def test_nobody_listens(self, hook, receiver, tell):
        hooks.keep(hook, url="http://127.0.0.1:1/hook", secret=SECRET, by=None)
        hooks.test(hook)
        tell()
        assert newest().error == "It takes no connections."

    def test_no_answer_ends_in_time(self, hook, receiver, monkeypatch, tell):
        monkeypatch.setattr(hooks, "PATIENCE", 0.2)
        receiver.hold = threading.Event()
        hooks.test(hook)
        tell()
        receiver.hold.set()
        assert "did not answer within" in newest().error

    def test_of_a_giant_answer_the_beginning_is_kept(self, hook, receiver, tell):
        receiver.answers = [(200, {"content-length": str(10**9)}, b"x" * 2**20)]
        hooks.test(hook)
        tell()
        assert newest().state == DeliveryState.DONE
        assert newest().answer == "x" * hooks.ANSWER

    def test_an_address_inside_is_not_asked(self, hook, receiver, settings, tell):
        """It was public when it was saved; its name means another machine now."""
        settings.REACH = Reach()
        hooks.test(hook)
        tell()
        assert "127.0.0.1, which is not a public address" in newest().error
        assert receiver.calls == []

    def test_what_fails_and_fails_is_switched_off_and_somebody_hears_of_it(
        self, hook, receiver, maintainer, mailoutbox, tell
    ):
        receiver.answers = [500] * hooks.TOO_MANY
        waits = hooks.test(hook)
        for _ in range(hooks.TOO_MANY):
            hooks.test(hook)
        HookDelivery.objects.update(attempts=len(errands.PAUSES))  # the next attempt of each is its last
        HookDelivery.objects.filter(pk=waits.pk).update(due_at=timezone.now() + timedelta(hours=1))
        tell()
        hook.refresh_from_db()
        assert hook.stopped_at
        assert not HookDelivery.objects.under_way().exists()
        assert HookDelivery.objects.get(error="The hook was switched off.") == waits
        tell()
        assert [each.to for each in mailoutbox] == [["maria@example.org"]]
        assert "switched off" in mailoutbox[0].subject
        hooks.switch_on(hook, by=maintainer)
        hook.refresh_from_db()
        assert (hook.stopped_at, hook.failures) == (None, 0)

    def test_one_success_forgives(self, hook, receiver, tell):
        receiver.answers = [500]
        hooks.test(hook)
        HookDelivery.objects.update(attempts=len(errands.PAUSES))
        tell()
        hook.refresh_from_db()
        assert hook.failures == 1
        hooks.test(hook)
        tell()
        hook.refresh_from_db()
        assert hook.failures == 0


def test_a_replay_is_the_same_message(hook, receiver, revision, tell):
    audit.record(revision, "failed", by=None)
    tell()
    hooks.replay(newest())
    tell()
    (first, body), (second, again) = receiver.calls
    assert (first["webhook-id"], body) == (second["webhook-id"], again)
    assert newest().replayed


def test_what_a_killed_worker_left_is_tried_again(hook, receiver, tell):
    row = hooks.test(hook)
    errands.take(HookDelivery, row.due_at)
    assert telling.reconcile(row.due_at + errands.DEAD / 2) == []
    assert any("its worker died" in line for line in telling.reconcile(row.due_at + errands.DEAD * 2))
    row.refresh_from_db()
    assert (row.state, row.error) == (DeliveryState.QUEUED, "The worker stopped in the middle of it.")


def test_old_logs_go(hook, tell):
    hooks.test(hook)
    tell()
    HookDelivery.objects.update(finished_at=timezone.now() - telling.KEPT - timedelta(hours=1), state="done")
    telling.reconcile(timezone.now())
    assert not HookDelivery.objects.exists()


def test_address_and_secret_are_nowhere_in_the_open(team):
    row = factories.hook(team, url="https://hooks.example.org/services/T0/B0/XYZZY", secret=SECRET, format="slack")
    assert row.shown == "https://hooks.example.org/…"
    stored = Hook.objects.filter(pk=row.pk).values().get()
    assert b"XYZZY" not in bytes(stored["ciphertext"])
    assert SECRET.encode() not in bytes(stored["ciphertext"])
    assert not Event.objects.filter(text__contains="XYZZY").exists()
