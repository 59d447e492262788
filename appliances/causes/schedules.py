"""Rebuilds by the clock."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Q

from appliances import audit, clock
from appliances.models import Appliance, Rebuild, Schedule, User
from appliances.states import Cause, Outcome, RebuildState, RevisionState

from . import rebuilds
from .current import current
from .due import held


def keep(schedule: Schedule, *, by: User | None, now: datetime) -> None:
    """Save a new or changed one; it starts afresh."""
    new = schedule.pk is None
    schedule.next_at = clock.following(schedule.cron, schedule.zone, now)
    schedule.on, schedule.failures = True, 0
    with transaction.atomic():
        schedule.save()
        verb = "scheduled" if new else "schedule-started"
        audit.record(schedule.appliance, verb, f"rebuilds scheduled: {schedule}", by=by)


def stop(schedule: Schedule, *, by: User | None) -> None:
    with transaction.atomic():
        if Schedule.objects.filter(pk=schedule.pk, on=True).update(on=False, next_at=None):
            audit.record(schedule.appliance, "schedule-stopped", f"schedule stopped: {schedule}", by=by)


def remove(schedule: Schedule, *, by: User | None) -> None:
    with transaction.atomic():
        audit.record(schedule.appliance, "schedule-removed", f"schedule removed: {schedule}", by=by)
        schedule.delete()


def run(now: datetime) -> list[str]:
    """Start what is due. However many times were missed, it is one run."""
    told = []
    for schedule in Schedule.objects.filter(on=True, next_at__lte=now).select_related("appliance__team"):
        if clock.problems(schedule.cron, schedule.zone):  # the system knows its zone no more
            stop(schedule, by=None)
            continue
        following = clock.following(schedule.cron, schedule.zone, now)
        with transaction.atomic():
            claimed = Schedule.objects.filter(pk=schedule.pk, on=True, next_at=schedule.next_at)
            if not claimed.update(next_at=following, last_at=now, outcome=Outcome.UNDER_WAY):
                continue  # another reconcile was first, or somebody stopped it
            count = _ask(schedule, now)
            if not count:
                Schedule.objects.filter(pk=schedule.pk).update(outcome=Outcome.SKIPPED)
        told.append(f"{schedule.appliance}: rebuilds {count} release{'s' if count != 1 else ''}, as {schedule} says")
    return told


def _ask(schedule: Schedule, now: datetime) -> int:
    """How many releases have a rebuild of this run."""
    count = 0
    for revision in current(Appliance.objects.filter(pk=schedule.appliance_id)):
        if not held(revision.release):
            why = {"cause": Cause.SCHEDULE, "because": str(schedule), "via": "schedule"}
            rebuild = rebuilds.ask(revision.release, by=None, now=now, schedule=schedule, **why)
            count += rebuild.schedule_id == schedule.pk
    return count


def judge(now: datetime) -> list[str]:
    """Look what came of the runs that are under way; who failed too often in a row is stopped."""
    told = []
    for schedule in Schedule.objects.filter(outcome=Outcome.UNDER_WAY).select_related("appliance__team"):
        outcome = _outcome(schedule)
        if outcome == Outcome.UNDER_WAY:
            continue
        failures = schedule.failures + 1 if outcome == Outcome.FAILED else schedule.failures
        if outcome == Outcome.SUCCEEDED:
            failures = 0
        with transaction.atomic():
            judged = Schedule.objects.filter(pk=schedule.pk, outcome=Outcome.UNDER_WAY, last_at=schedule.last_at)
            if not judged.update(outcome=outcome, failures=failures):
                continue
            if outcome == Outcome.FAILED and 0 < schedule.stops_after <= failures:
                told += _give_up(schedule, failures)
    return told


def _outcome(schedule: Schedule) -> Outcome:
    """Of the last run: one failure is enough for it to have failed."""
    waiting, since = Q(state=RebuildState.WAITING), schedule.last_at
    last = schedule.rebuilds.filter(waiting | Q(asked_at__gte=since) | Q(started_at__gte=since))
    run = {_outcome_of(each) for each in last.select_related("revision")}
    for outcome in (Outcome.UNDER_WAY, Outcome.FAILED, Outcome.SUCCEEDED):
        if outcome in run:
            return outcome
    return Outcome.SKIPPED


def _outcome_of(rebuild: Rebuild) -> Outcome:
    if rebuild.state == RebuildState.WAITING:
        return Outcome.UNDER_WAY
    revision = rebuild.revision
    if revision is None:
        return Outcome.SKIPPED  # cancelled or refused
    if revision.state == RevisionState.BUILDING:
        return Outcome.UNDER_WAY
    if revision.state == RevisionState.FAILED:
        return Outcome.FAILED
    if revision.state == RevisionState.SUPERSEDED and revision.published_at is None:
        return Outcome.SKIPPED  # a newer one took its place
    return Outcome.SUCCEEDED


def _give_up(schedule: Schedule, failures: int) -> list[str]:
    if not Schedule.objects.filter(pk=schedule.pk, on=True).update(on=False, next_at=None):
        return []
    what = f"schedule stopped: {schedule} failed {failures} times in a row"
    with audit.via("schedule"):
        audit.record(schedule.appliance, "schedule-stopped", what, by=None)
    return [f"{schedule.appliance}: {what}"]
