"""Where a build's time went: its steps in seconds from its start, and beside them those of a former build.

Plain numbers: no queries and no clock.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from .models import Build, Step
from .states import StepState

NOTICEABLE = 0.5
"""Seconds: less is no difference, and no overlap either."""


@dataclass(frozen=True)
class Span:
    """A step's part of the time."""

    title: str
    state: str
    start: float | None = None
    """Seconds from the build's start; None: it has not run."""
    end: float | None = None
    """Of what still runs: now."""

    @property
    def seconds(self) -> float | None:
        return None if self.start is None or self.end is None else self.end - self.start

    @property
    def took(self) -> float | None:
        """What can be compared with another build's: only what was done to its end."""
        if self.state == StepState.REUSED:
            return 0.0
        return self.seconds if self.state == StepState.SUCCEEDED else None


@dataclass(frozen=True)
class Run:
    """A build in seconds."""

    number: int
    state: str
    waited: float
    """In the queue."""
    seconds: float | None
    """From its start to its end, or to now; None while it waits."""
    spans: tuple[Span, ...] = ()

    @property
    def unmeasured(self) -> float:
        """Seconds in which no step ran."""
        covered = reached = 0.0
        for start, end in sorted((span.start, span.end) for span in self.spans if span.start is not None):
            covered += max(0.0, end - max(start, reached))
            reached = max(reached, end)
        return max(0.0, (self.seconds or 0.0) - covered)


@dataclass(frozen=True)
class Compared:
    """A step beside the same one of a former build. Either may be missing, but not both."""

    span: Span | None
    former: Span | None = None

    @property
    def title(self) -> str:
        return (self.span or self.former).title

    @property
    def change(self) -> float | None:
        """Seconds more than before; None: the two cannot be compared."""
        if self.span and self.former and self.span.took is not None and self.former.took is not None:
            return self.span.took - self.former.took
        return None

    @property
    def weight(self) -> float:
        """What it makes the whole build longer: also as a step that is new, or gone."""
        if self.change is not None:
            return self.change
        if self.former is None:
            return self.span.took or 0.0
        return 0.0 if self.span else -(self.former.took or 0.0)


def run(build: Build, steps: Iterable[Step], now: datetime) -> Run:
    steps = list(steps)
    started, stopped = build.started_at, build.finished_at or now
    if build.debug_until:  # how long its failed machine was kept afterwards is not counted
        stopped = max((step.finished_at for step in steps if step.finished_at), default=stopped)
    return Run(
        number=build.pk,
        state=build.state,
        waited=max(0.0, ((started or stopped) - build.queued_at).total_seconds()),
        seconds=(stopped - started).total_seconds() if started else None,
        spans=tuple(_span(step, started, stopped) for step in steps),
    )


def _span(step: Step, origin: datetime | None, stopped: datetime) -> Span:
    if not (origin and step.started_at):
        return Span(step.title, step.state)
    start, end = ((at - origin).total_seconds() for at in (step.started_at, step.finished_at or stopped))
    return Span(step.title, step.state, start, max(start, end))


def compare(spans: Sequence[Span], former: Sequence[Span]) -> list[Compared]:
    """All of these in order, each with the former one of the same title; then what was there only before.

    A provisioner's number counts for nothing, so that one more before it changes nothing. Of equal titles the first
    belongs to the first. What is left, and is of the same kind in the same place (`2. shell: …`), was edited.
    """
    waiting: dict[str, list[int]] = defaultdict(list)
    for place, span in enumerate(former):
        waiting[_unnumbered(span.title)].append(place)
    found: dict[int, int] = {}
    for place, span in enumerate(spans):
        if places := waiting[_unnumbered(span.title)]:
            found[place] = places.pop(0)
    left = {place: _kind(former[place].title) for places in waiting.values() for place in places}
    for place, span in enumerate(spans):
        if place not in found and left.get(place) == _kind(span.title):
            found[place] = place
            del left[place]
    pairs = [Compared(span, former[found[place]] if place in found else None) for place, span in enumerate(spans)]
    return [*pairs, *(Compared(None, former[place]) for place in sorted(left))]


def biggest(compared: Iterable[Compared], difference: float) -> Compared | None:
    """What explains most of a whole build's difference; None: nothing does."""
    sign = 1 if difference > 0 else -1
    most = max(compared, key=lambda each: sign * each.weight, default=None)
    return most if most and sign * most.weight >= NOTICEABLE else None


def beside(spans: Sequence[Span]) -> list[bool]:
    """Of each step, whether it ran at the same time as one before it."""
    found, reached = [], 0.0
    for span in spans:
        found.append(span.start is not None and span.start < reached - NOTICEABLE)
        reached = max(reached, span.end or 0.0)
    return found


def _unnumbered(title: str) -> str:
    return re.sub(r"^\d+\. ", "", title)


def _kind(title: str) -> str:
    return _unnumbered(title).partition(":")[0]
