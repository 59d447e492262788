"""Rebuilds by the clock: once for each time, however many look, and not for ever when they fail."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from appliances.causes import rebuilds, reconcile, schedules
from appliances.models import Rebuild, Release, Schedule
from appliances.states import Cause, Outcome, ReleaseState
from builds.states import BuildState
from tests.appliances.life import finish

from .scene import DAY, NOW, published

pytestmark = pytest.mark.django_db


def schedule(cron="30 2 * * *", zone="Europe/Berlin", now=NOW, **fields) -> Schedule:
    appliance = fields.pop("appliance", None) or published().release.appliance
    made = Schedule(appliance=appliance, cron=cron, zone=zone, **fields)
    made.full_clean()
    schedules.keep(made, by=None, now=now)
    return made


def run(made: Schedule, now: datetime) -> Schedule:
    reconcile.run(now)
    made.refresh_from_db()
    return made


def end(made: Schedule, state=BuildState.SUCCEEDED) -> None:
    finish(made.rebuilds.latest("pk").revision, state)


def test_it_rebuilds_at_its_time_and_knows_the_next():
    made = schedule()
    assert not run(made, datetime(2026, 11, 23, 1, 29, tzinfo=UTC)).last_at
    made = run(made, datetime(2026, 11, 23, 1, 30, tzinfo=UTC))
    assert (made.outcome, made.next_at) == (Outcome.UNDER_WAY, datetime(2026, 11, 24, 1, 30, tzinfo=UTC))
    revision = made.rebuilds.get().revision
    assert (revision.cause, revision.because) == (Cause.SCHEDULE, "30 2 * * * Europe/Berlin")
    end(made)
    assert run(made, datetime(2026, 11, 23, 3, tzinfo=UTC)).outcome == Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("before", "times"),
    [
        (datetime(2027, 3, 27, 12, tzinfo=UTC), ["03-28 01:00", "03-29 00:30"]),  # 2:30 is left out
        (datetime(2026, 10, 24, 12, tzinfo=UTC), ["10-25 00:30", "10-26 01:30"]),  # 2:30 comes twice
    ],
)
def test_when_clocks_change_it_runs_once(before, times):
    made = schedule(now=before)
    ran = []
    for minute in range(0, 2 * 24 * 60, 10):
        now = before + timedelta(minutes=minute)
        if [sentence for sentence in schedules.run(now) if "rebuilds" in sentence]:
            ran.append(f"{now:%m-%d %H:%M}")
    assert ran == times
    assert Schedule.objects.get(pk=made.pk).on


def test_missed_times_are_one_run():
    made = run(schedule(), NOW + 5 * DAY)
    assert made.rebuilds.count() == 1
    assert made.next_at > NOW + 5 * DAY


def test_after_three_failures_in_a_row_it_stops_itself_and_tells():
    made = schedule()
    for day in range(1, 5):
        made = run(made, NOW + day * DAY)
        if made.on:
            end(made, BuildState.FAILED)
            made = run(made, NOW + day * DAY + timedelta(hours=1))
        assert made.failures == min(day, 3)
    assert (made.on, made.next_at, made.rebuilds.count()) == (False, None, 3)
    event = made.appliance.events.get(name="schedule-stopped")
    assert event.text == "schedule stopped: 30 2 * * * Europe/Berlin failed 3 times in a row"
    schedules.keep(made, by=None, now=NOW + 9 * DAY)
    assert (made.on, made.failures) == (True, 0)


def test_a_success_in_between_starts_the_count_anew():
    made = schedule(stops_after=2)
    for day, state in enumerate([BuildState.FAILED, BuildState.SUCCEEDED, BuildState.FAILED], 1):
        made = run(made, NOW + day * DAY)
        end(made, state)
        made = run(made, NOW + day * DAY + timedelta(hours=1))
    assert (made.on, made.failures) == (True, 1)


def test_where_nothing_is_published_nothing_is_done_and_nothing_has_failed():
    made = schedule()
    Release.objects.update(state=ReleaseState.WITHDRAWN)
    made = run(made, NOW + DAY)
    assert (made.outcome, made.failures, Rebuild.objects.count()) == (Outcome.SKIPPED, 0, 0)


def test_a_stopped_one_does_not_run():
    made = schedule()
    schedules.stop(made, by=None)
    assert run(made, NOW + DAY).last_at is None


def test_one_whose_zone_is_not_known_any_more_is_stopped_and_keeps_nobody_else_from_running():
    lost, other = schedule(), schedule()
    Schedule.objects.filter(pk=lost.pk).update(zone="Europe/Atlantis")
    assert not run(lost, NOW + DAY).on
    assert run(other, NOW + DAY).outcome == Outcome.UNDER_WAY
    assert lost.appliance.events.filter(name="schedule-stopped").exists()


def test_it_learns_what_came_of_a_rebuild_that_waited_already(settings):
    settings.REBUILDS_PER_HOUR = 0
    made = schedule()
    release = made.appliance.releases.get()
    waiting = rebuilds.ask(release, by=None, now=NOW)
    made = run(made, NOW + DAY)
    assert made.rebuilds.get() == waiting
    settings.REBUILDS_PER_HOUR = 5
    made = run(made, NOW + DAY)
    end(made, BuildState.FAILED)
    assert run(made, NOW + DAY + timedelta(hours=1)).failures == 1


@pytest.mark.django_db(transaction=True)
def test_two_reconciles_at_once_run_it_once():
    made = schedule()

    def once(_):
        try:
            return schedules.run(NOW + DAY)
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        told = list(pool.map(once, range(2)))
    assert sorted(map(len, told)) == [0, 1]
    assert made.rebuilds.count() == 1


def test_the_same_time_twice_is_refused_and_blanks_do_not_count():
    made = schedule("0 3 * * mon")
    twin = Schedule(appliance=made.appliance, cron="  0  3 * * MON", zone="Europe/Berlin")
    with pytest.raises(Exception, match="already exists"):
        twin.full_clean()
