"""How far a build is, how long it takes, and its steps as bars over time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils import timezone

from builds import estimates
from builds.models import Build, Step
from builds.states import StepState


@dataclass(frozen=True)
class Bar:
    """A step as a bar over time; `start` and `width` in percent of the whole."""

    step: Step
    start: float
    width: float
    seconds: float | None


@dataclass(frozen=True)
class Progress:
    percent: float
    elapsed: float | None
    """Seconds since it started; None while it waits."""
    expected: float | None
    """Seconds that the same build usually takes; None when it never ended well before."""
    bars: list[Bar]


def progress(build: Build) -> Progress:
    steps = list(build.steps.all())
    expected = estimates.usual_seconds([build])[build.pk]
    former = (
        Build.objects.timed()
        .filter(revision__release__appliance=build.revision.release.appliance_id, platform=build.platform)
        .exclude(pk=build.pk)
        .first()
    )
    weights = usual_seconds(former) if former else {}
    elapsed = seconds_between(build.started_at, worked_until(build, steps))
    return Progress(
        percent=100.0 if build.has_succeeded else percent_done(steps, weights),
        elapsed=elapsed,
        expected=expected,
        bars=bars(build, steps, elapsed, expected),
    )


def worked_until(build: Build, steps: list[Step]) -> datetime | None:
    """When its work ended, if it has: how long its failed machine was kept afterwards is not counted."""
    if build.debug_until:
        return max((step.finished_at for step in steps if step.finished_at), default=build.finished_at)
    return build.finished_at


def usual_seconds(former: Build) -> dict[str, float]:
    """What each step took in a former build, by title."""
    return {
        step.title: seconds_between(step.started_at, step.finished_at) or 0.1
        for step in former.steps.all()
        if step.finished_at
    }


def percent_done(steps: list[Step], weights: dict[str, float]) -> float:
    """Steps weigh what they took before; a step that is new weighs as much as the average one."""
    average = sum(weights.values()) / len(weights) if weights else 1.0
    total = done = 0.0
    for step in steps:
        weight = weights.get(step.title, average)
        total += weight
        done += weight * (1.0 if step.state == StepState.SUCCEEDED else min(max(step.fraction, 0.0), 1.0))
    return round(100 * done / total, 1) if total else 0.0


def bars(build: Build, steps: list[Step], elapsed: float | None, expected: float | None) -> list[Bar]:
    # While it runs, the scale is what it usually takes, so that the bars do not shrink every second.
    scale = max(elapsed or 0, (expected or 0) if build.is_active else 0) or 1
    return [bar(step, build.started_at, scale, build.finished_at) for step in steps]


def bar(step: Step, origin: datetime | None, scale: float, stopped: datetime | None) -> Bar:
    if not (step.started_at and origin):
        return Bar(step, 0, 0, None)
    seconds = seconds_between(step.started_at, step.finished_at or stopped)
    start = 100 * (step.started_at - origin).total_seconds() / scale
    return Bar(step, round(min(start, 99.5), 2), round(max(100 * seconds / scale, 0.5), 2), seconds)


def seconds_between(start: datetime | None, end: datetime | None) -> float | None:
    return ((end or timezone.now()) - start).total_seconds() if start else None
