"""The card of a kept machine on its build's page, and how one asks for it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliances.models import Role
from builds.models import Build, Layer
from tests import factories
from tests.appliances.api.test_debugging import ACCESS, HOST_KEY

pytestmark = pytest.mark.django_db
STEPS = ("Start the machine", "1. shell: one", "2. shell: two", "Clean and shut down")


@pytest.fixture
def team():
    return factories.team(slug="acme")


@pytest.fixture
def build(client, team):
    """Failed in its second provisioner."""
    revision = factories.revision(factories.release(appliance=factories.appliance(team=team)), state="failed")
    now = timezone.now()
    times = {"started_at": now - timedelta(minutes=2), "finished_at": now}
    found = factories.build(revision, state="failed", error="It broke.", worker="dock:7", **times)
    for position, title in enumerate(STEPS, 1):
        found.steps.create(position=position, title=title, state="succeeded" if position < 3 else "skipped")
    found.steps.filter(position=3).update(state="failed", finished_at=now)
    client.force_login(factories.member(team, Role.MAINTAINER, username="ada"))
    return found


@pytest.fixture
def kept(build):
    fields = {"state": "running", "finished_at": None, "debug_until": timezone.now() + timedelta(minutes=10)}
    Build.objects.update(debug=timedelta(minutes=30), **fields)
    return build


def page(client, build, path="") -> str:
    return client.get(f"/builds/{build.pk}{path}").content.decode()


def test_a_failed_build_is_debugged_with_one_press(client, build, settings):
    settings.DEBUG_MINUTES = 30
    seen = page(client, build)
    assert '<option value="30">' in seen
    assert '<option value="60">' not in seen
    answer = client.post(f"/builds/{build.pk}/debug", {"minutes": "30"})
    again = Build.objects.latest("pk")
    assert answer["Location"] == f"/builds/{again.pk}"
    assert again.debug == timedelta(minutes=30)


def test_what_leaves_no_machine_is_only_tried_again(client, build):
    build.steps.filter(position=3).update(title="Convert to QCOW2")
    seen = page(client, build)
    assert "Try again" in seen
    assert "/debug" not in seen


def test_the_page_says_where_a_next_attempt_begins(client, build):
    assert "goes on before" not in page(client, build)
    appliance = build.revision.release.appliance
    row = {"platform": "qemu", "place": "dock", "build": build, "appliance": appliance, "used_at": timezone.now()}
    Layer.objects.create(key="b", title="after the boot of debian:12", **row)
    assert "goes on before step “1. shell: one”" in page(client, build)
    Layer.objects.create(key="a", title="after 1. shell: one", **row)
    assert "goes on before step “2. shell: two”" in page(client, build)
    Layer.objects.update(dropped=True)
    assert "goes on before" not in page(client, build)


def test_the_card_shows_the_failure_the_time_and_the_console(client, kept):
    ended = {"exit_code": 0, "finished_at": timezone.now()}
    kept.debug_commands.create(by=factories.user(username="bob"), text="echo <b>", output="<b>\n", **ended)
    kept.debug_commands.create(text="sleep 9")
    kept.debug_commands.create(text="true")
    seen = page(client, kept)
    for part in ("its machine is kept until", "about 10 min left", "It broke.", "End now", "+15 min", "no passwords"):
        assert part in seen
    assert "&lt;b&gt;" in seen
    assert [seen.count(word) for word in ("exit code 0", "runs …", "waits")] == [1, 1, 1]
    assert "Cancel this build" not in seen


def test_the_way_in_is_shown_once_a_key_is_in(client, kept):
    assert "With your public key in it" in page(client, kept)
    assert client.post(f"/builds/{kept.pk}/debug/keys", {"key": HOST_KEY})["Location"].endswith("#debug")
    assert "Letting the key in" in page(client, kept)
    Build.objects.update(debug_access=ACCESS)
    seen = page(client, kept)
    for part in ("ssh -p 40022 admin@203.0.113.5", f"[203.0.113.5]:40022 {HOST_KEY}", "SHA256:"):
        assert part in seen
    assert "On the worker itself" not in seen
    Build.objects.update(debug_access={**ACCESS, "host": "127.0.0.1"})
    assert "On the worker itself" in page(client, kept)
    Build.objects.update(debug_access={"keys": ["x"], "problem": "No room."})
    assert "No room." in page(client, kept)


def test_every_button_does_what_it_says(client, kept):
    until = Build.objects.get().debug_until
    client.post(f"/builds/{kept.pk}/debug/commands", {"text": "true"})
    client.post(f"/builds/{kept.pk}/debug/extend")
    assert kept.debug_commands.get().by.username == "ada"
    assert Build.objects.get().debug_until > until
    client.post(f"/builds/{kept.pk}/debug/end")
    assert not Build.objects.get().kept_until
    assert "is not kept" in client.post(f"/builds/{kept.pk}/debug/extend", follow=True).content.decode()


def test_live_parts_bring_the_console_only_when_it_has_changed(client, kept):
    stamp = client.get(f"/builds/{kept.pk}").context["kept"]
    same = client.get(f"/builds/{kept.pk}/live?after=-1&kept={stamp}")
    assert "#console" not in same.content.decode()
    assert "HX-Refresh" not in same
    asked = client.post(f"/builds/{kept.pk}/debug/commands", {"text": "true"}, headers={"HX-Request": "true"})
    assert "#console" in asked.content.decode()
    changed = client.get(f"/builds/{kept.pk}/live?after=-1&kept={stamp}")
    assert "#console" in changed.content.decode()
    assert "HX-Refresh" not in changed


def test_the_page_opens_anew_when_the_machine_is_kept_and_when_it_is_gone(client, kept):
    assert client.get(f"/builds/{kept.pk}/live?after=-1&kept=")["HX-Refresh"] == "true"
    Build.objects.update(debug_until=timezone.now())
    assert client.get(f"/builds/{kept.pk}/live?after=-1&kept=abc")["HX-Refresh"] == "true"


def test_what_was_run_stays_on_the_page(client, kept):
    kept.debug_commands.create(text="sleep 9")
    Build.objects.update(state="failed", finished_at=timezone.now())
    seen = page(client, kept)
    assert "What was run in its machine" in seen
    assert "did not end" in seen
    assert "Run as root" not in seen


def test_viewers_see_that_it_is_kept_but_neither_console_nor_way_in(client, team, kept):
    kept.debug_commands.create(text="cat /etc/shadow")
    Build.objects.update(debug_access=ACCESS)
    client.force_login(factories.member(team, Role.VIEWER))
    for path in ("", "/live?after=-1&kept=old"):
        seen = page(client, kept, path)
        assert "its machine is kept until" in seen
        for part in ("shadow", "40022", "/debug"):
            assert part not in seen
    Build.objects.update(state="failed")
    assert "shadow" not in page(client, kept)


def test_the_time_that_it_is_kept_is_not_its_work(client, kept):
    Build.objects.update(started_at=timezone.now() - timedelta(hours=1))
    kept.steps.filter(position=3).update(finished_at=timezone.now() - timedelta(minutes=58))
    assert 115 < client.get(f"/builds/{kept.pk}").context["progress"].elapsed < 125


def test_the_queue_says_why_a_worker_is_busy(client, kept):
    assert "kept for debugging until" in client.get("/queue").content.decode()
