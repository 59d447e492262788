"""How far a build is, how long it takes, and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils import timezone

from builds import estimates
from builds.models import Build, Step
from builds.states import StepState
from builds.timeline import Compared, Run, compare, run


@dataclass(frozen=True)
class Progress:
    percent: float
    expected: float | None
    """Seconds that the same build usually takes; None when it never ended well before."""
    steps: list[Step]
    run: Run
    former: Run | None
    """The build before that says most about this one."""
    compared: list[Compared]
    """The steps beside the former build's, then those that only that one had."""

    @property
    def elapsed(self) -> float | None:
        """Seconds since it started; None while it waits."""
        return self.run.seconds


def progress(build: Build) -> Progress:
    now = timezone.now()
    steps = list(build.steps.all())
    this = run(build, steps, now)
    before = Build.objects.before(build).first()
    former = run(before, before.steps.all(), now) if before else None
    compared = compare(this.spans, former.spans if former else ())
    if not steps or build.resumes_id:  # what it does not have is not gone: it is not known yet, or was done before
        compared = compared[: len(steps)]
    return Progress(
        percent=100.0 if build.has_succeeded else percent_done(steps, compared),
        expected=estimates.usual_seconds([build])[build.pk],
        steps=steps,
        run=this,
        former=former,
        compared=compared,
    )


def percent_done(steps: Sequence[Step], compared: Sequence[Compared]) -> float:
    """Steps weigh what they took before; a step that is new weighs as much as the average one, a reused one nothing."""
    before = [each.former.took or None if each.former else None for each in compared[: len(steps)]]
    known = [max(seconds, 0.1) for seconds in before if seconds is not None]
    average = sum(known) / len(known) if known else 1.0
    total = done = 0.0
    for step, seconds in zip(steps, before, strict=True):
        if step.state == StepState.REUSED:
            continue
        weight = average if seconds is None else max(seconds, 0.1)
        total += weight
        done += weight * (1.0 if step.state == StepState.SUCCEEDED else min(max(step.fraction, 0.0), 1.0))
    return round(100 * done / total, 1) if total else 0.0
