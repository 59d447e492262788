"""A team's hooks through the API: secrets are shown once, addresses never whole."""

import pytest

from appliances.models import Answer, Hook, HookDelivery
from appliances.notices import errands, hooks
from builds.engine.reach import Reach
from tests import factories
from tests.appliances.notices.receivers import Receiver

pytestmark = pytest.mark.django_db
HOOKS = "teams/acme/hooks"
WANTED = {"url": "http://127.0.0.1:9/slipway?key=sesame", "kinds": ["failed"]}


def test_a_secret_that_is_made_is_shown_once(program, team):
    ci = program()
    made = ci("POST", HOOKS, WANTED)
    assert made.status_code == 201
    hook, row = made.json(), Hook.objects.get()
    assert hook["secret"] == row.secret
    assert hook["address"] == "http://127.0.0.1:9/slipway?…"
    one = f"{HOOKS}/{hook['number']}"
    read = ci("GET", HOOKS).content + ci("GET", one).content + ci("PATCH", one, {"kinds": ["waiting"]}).content
    assert b"sesame" not in read
    assert row.secret.encode() not in read
    renewed = ci("POST", f"{one}/renew-secret").json()["secret"]
    row.refresh_from_db()
    assert row.secret == renewed != hook["secret"]
    assert row.url == WANTED["url"]


def test_what_the_server_keeps_of_an_answer_does_not_show_its_secret(program, team):
    ci = program()
    first, again = (ci("POST", HOOKS, WANTED, Idempotency_Key="one") for _ in range(2))
    assert first.content == again.content
    assert first.json()["secret"] not in Answer.objects.get().body


def test_only_what_is_in_the_body_is_changed(program, team, wiki):
    ci = program()
    chosen = {"secret": "correct horse battery", "appliance": "wiki"}
    made = ci("POST", HOOKS, WANTED | chosen).json()
    assert (made["secret"], made["appliance"]) == (None, "wiki")
    one = f"{HOOKS}/{made['number']}"
    changed = ci("PATCH", one, {"kinds": ["published", "failed"]}).json()
    assert (changed["kinds"], changed["appliance"]) == (["failed", "published"], "wiki")
    assert ci("PATCH", one, {"appliance": None}).json()["appliance"] is None
    row = Hook.objects.get()
    assert (row.url, row.secret) == (WANTED["url"], "correct horse battery")


def test_what_is_wrong_is_named(program, team, settings):
    settings.REACH = Reach()
    for wrong, path in (
        ({}, "url"),  # an address of this machine itself
        ({"url": "ftp://example.org"}, "url"),
        ({"url": "https://a:b@example.org"}, "url"),
        ({"appliance": "nothing"}, "appliance"),
        ({"kinds": ["weather"]}, "kinds.0"),
    ):
        refused = program()("POST", HOOKS, WANTED | wrong)
        assert refused.status_code == 422
        assert refused.json()["problems"][0]["path"] == path
    assert not Hook.objects.exists()


def test_a_test_is_sent_looked_at_and_sent_again(program, team):
    ci = program()
    with Receiver.run() as receiver:
        one = f"{HOOKS}/{factories.hook(team, url=receiver.url).pk}"
        message = ci("POST", f"{one}/test").json()
        errands.work(HookDelivery, hooks.send)
        found = ci("GET", f"{one}/deliveries/{message['number']}").json()
        assert (found["state"], found["kind"], found["message"]) == ("done", "test", message["message"])
        again = ci("POST", f"{one}/deliveries/{message['number']}/replay").json()
        assert (again["message"], again["replayed"], again["state"]) == (message["message"], True, "queued")
        errands.work(HookDelivery, hooks.send)
        numbers = [each["number"] for each in ci("GET", f"{one}/deliveries").json()["items"]]
    assert numbers == [again["number"], message["number"]]


def test_what_was_switched_off_is_called_again_or_gone(program, team):
    row = factories.hook(team, stopped_at="2026-01-01T00:00:00Z")
    ci = program()
    assert ci("POST", f"{HOOKS}/{row.pk}/switch-on").json()["stopped_at"] is None
    assert ci("DELETE", f"{HOOKS}/{row.pk}").status_code == 204
    assert ci("GET", f"{HOOKS}/{row.pk}").status_code == 404


def test_another_teams_hook_is_not_known(program, team):
    row = factories.hook()
    assert program()("GET", f"{HOOKS}/{row.pk}").status_code == 404
