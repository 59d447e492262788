"""A kept machine, for programs."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliances.models import Role
from builds.models import Build
from tests import factories

pytestmark = pytest.mark.django_db
HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0mT3ozMRAPqiXTfcAvW0HwWXoa0gFt8Wz3m6R0q2Dl"
ACCESS = {"host": "203.0.113.5", "port": 40022, "user": "admin", "host_key": HOST_KEY, "keys": ["ssh-ed25519 AAAA"]}


@pytest.fixture
def build(wiki):
    now = timezone.now()
    revision = factories.revision(factories.release(appliance=wiki))
    fields = {"debug": timedelta(minutes=30), "debug_until": now + timedelta(minutes=10)}
    return factories.build(revision, state="running", started_at=now, **fields)


def test_a_failed_build_is_tried_again_for_it(program, wiki):
    revision = factories.revision(factories.release(appliance=wiki), state="failed")
    failed = factories.build(revision, state="failed")
    again = program()("POST", f"builds/{failed.pk}/debug", {"minutes": 20}).json()
    assert (again["state"], again["kept_until"]) == ("queued", None)
    assert Build.objects.get(pk=again["number"]).debug == timedelta(minutes=20)


def test_commands_are_asked_for_and_read(program, build):
    ci = program()
    asked = ci("POST", f"builds/{build.pk}/debug/commands", {"text": "dmesg"})
    assert asked.status_code == 201
    number = asked.json()["number"]
    assert asked.json()["finished_at"] is None
    build.debug_commands.update(output="[0.0] Linux", exit_code=0, finished_at=timezone.now())
    [found] = ci("GET", f"builds/{build.pk}/debug/commands").json()
    assert (found["text"], found["output"], found["exit_code"]) == ("dmesg", "[0.0] Linux", 0)
    assert ci("GET", f"builds/{build.pk}/debug/commands/{number}").json() == found


def test_how_to_come_in_is_told_once_a_key_was_let_in(program, build):
    ci = program()
    empty = ci("GET", f"builds/{build.pk}/debug").json()
    assert (empty["ssh"], bool(empty["kept_until"])) == (None, True)
    assert ci("POST", f"builds/{build.pk}/debug/keys", {"key": HOST_KEY}).status_code == 202
    Build.objects.update(debug_access=ACCESS)
    found = ci("GET", f"builds/{build.pk}/debug").json()
    assert found["ssh"] == "ssh -p 40022 admin@203.0.113.5"
    assert found["known_hosts"] == f"[203.0.113.5]:40022 {HOST_KEY}"


def test_more_time_and_the_end(program, build):
    ci = program()
    until = ci("GET", f"builds/{build.pk}").json()["kept_until"]
    assert ci("POST", f"builds/{build.pk}/debug/extend").json()["kept_until"] > until
    for _ in range(2):
        assert ci("DELETE", f"builds/{build.pk}/debug").status_code == 204
    assert ci("GET", f"builds/{build.pk}/debug").json()["kept_until"] is None
    refused = ci("POST", f"builds/{build.pk}/debug/commands", {"text": "true"})
    assert (refused.status_code, refused["Content-Type"]) == (409, "application/problem+json")
    assert "not kept" in refused.json()["detail"]


@pytest.mark.parametrize(("name", "body"), [("keys", {"key": "nonsense"}), ("commands", {"text": " "})])
def test_what_makes_no_sense_is_a_problem(program, build, name, body):
    assert program()("POST", f"builds/{build.pk}/debug/{name}", body).status_code == 409


def test_viewers_see_that_it_is_kept_and_nothing_of_what_was_run(program, build):
    viewer = program(Role.VIEWER)
    assert viewer("GET", f"builds/{build.pk}").json()["kept_until"]
    for path in ("debug", "debug/commands"):
        assert viewer("GET", f"builds/{build.pk}/{path}").status_code == 403
