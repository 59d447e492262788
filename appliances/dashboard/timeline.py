"""Where a build's time went, drawn: bars on a common axis, and the sentence above them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from appliances.templatetags.ui import duration
from builds.states import OWNED, BuildState, StepState
from builds.timeline import Compared, Run, beside, biggest

from .progress import Progress

WAIT_SHARE = 0.25
"""Of the build's own time: a longer wait in the queue is drawn shorter, or the steps would be too small to see."""
FORMER_SHARE = 2.0
"""So much of the axis at most is there only for a former build that took longer."""
TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
MOST_TICKS = 5
SAME = 0.02
"""Of the whole: builds that differ by less took equally long."""


@dataclass(frozen=True)
class Bar:
    """In percent of the axis, as SVG takes it."""

    x: str
    width: str
    cut: bool = False
    """There is more of it than is drawn."""


@dataclass(frozen=True)
class Axis:
    """From `first` (negative: the wait in the queue) to `last`, in seconds from the build's start."""

    first: float
    last: float

    def place(self, at: float) -> str:
        return f"{100 * self._share(at):.2f}%"

    def bar(self, start: float, end: float) -> Bar:
        left, right = self._share(start), self._share(end)
        return Bar(self.place(start), f"{100 * max(right - left, 0.004):.2f}%", cut=end > self.last)

    def ticks(self) -> Iterator[tuple[str, str]]:
        """Places and their labels. None at the very end: there would be no room for its label."""
        step = next((each for each in TICKS if self.last / each <= MOST_TICKS), TICKS[-1])
        for at in range(0, int(self.last) + 1, step):
            if self._share(at) < 0.94:
                yield self.place(at), clock(at)

    def _share(self, at: float) -> float:
        whole = self.last - self.first
        return min(max((at - self.first) / whole, 0.0), 1.0) if whole else 0.0


@dataclass(frozen=True)
class Row:
    compared: Compared
    position: int | None = None
    """None: only the former build had this step."""
    bar: Bar | None = None
    former_bar: Bar | None = None
    reused_at: str = ""
    """Where a step that took no time has its place."""
    beside: bool = False
    """It ran at the same time as one above it."""

    @property
    def change(self) -> str:
        return "" if self.compared.change is None else signed(self.compared.change)

    @property
    def tone(self) -> str:
        """Only what matters is coloured: a second, and a tenth of what it took."""
        change, former = self.compared.change, self.compared.former
        if change is None or former is None or abs(change) < max(1.0, 0.1 * (former.took or 0)):
            return ""
        return "slower" if change > 0 else "faster"


@dataclass(frozen=True)
class Drawing:
    sentence: str
    rows: list[Row]
    axis: Axis
    former: Run | None
    wait: Bar | None
    change: str
    """Of the whole."""


def drawing(seen: Progress, *, active: bool, rest_only: bool) -> Drawing:
    """`rest_only`: the build took finished images over, so that as a whole it is compared with none."""
    starts = starts_of(seen)
    axis = axis_of(seen, starts, active=active)
    difference = None if rest_only else difference_of(seen)
    return Drawing(
        sentence=sentence(seen, difference),
        rows=list(rows(seen, starts, axis)),
        axis=axis,
        former=seen.former,
        wait=Bar("0%", axis.place(0), cut=seen.run.waited > -axis.first) if axis.first else None,
        change="" if difference is None else signed(difference),
    )


def starts_of(seen: Progress) -> list[float]:
    """When each step started; of one that is to come, when it can be expected; of a reused one, when it was due."""
    found: list[float] = []
    now = then = later = 0.0  # how far this build is after each step, the former one, and by how much it is behind
    for each in seen.compared[: len(seen.steps)]:
        span, former = each.span, each.former
        if span.start is not None:
            start = span.start
        elif span.state == StepState.PENDING and former and former.start is not None:
            start = max(now, former.start + later)
        else:
            start = now
        found.append(start)
        now = max(now, span.end or 0.0)
        if former and span.state != StepState.PENDING:
            then = then if former.end is None else former.end
            done = start if span.state == StepState.REUSED else max(now, start + (former.seconds or 0.0))
            later = done - then
    return found


def axis_of(seen: Progress, starts: Sequence[float], *, active: bool) -> Axis:
    # While it runs there is room for what it usually takes, so that the bars do not shrink every second.
    own = max(seen.run.seconds or 0.0, (seen.expected or 0.0) if active else 0.0, 0.1)
    ends = [start + before(each) for start, each in zip(starts, seen.compared, strict=False)]
    wait = min(seen.run.waited, WAIT_SHARE * own)
    return Axis(-wait if wait >= 0.01 * own else 0.0, min(max([own, *ends]), FORMER_SHARE * own))


def before(each: Compared) -> float:
    """Seconds of the thin bar below the step's own; 0: it has none."""
    seconds = each.former.seconds if each.former else None
    return 0.0 if each.span.state == StepState.SKIPPED else seconds or 0.0


def rows(seen: Progress, starts: Sequence[float], axis: Axis) -> Iterator[Row]:
    together = beside(seen.run.spans)
    for each, step, start, parallel in zip(seen.compared, seen.steps, starts, together, strict=False):
        yield Row(
            each,
            step.position,
            bar=None if each.span.start is None else axis.bar(start, each.span.end),
            former_bar=axis.bar(start, start + before(each)) if before(each) else None,
            reused_at=axis.place(start) if each.span.state == StepState.REUSED else "",
            beside=parallel,
        )
    yield from (Row(each) for each in seen.compared[len(seen.steps) :])


def difference_of(seen: Progress) -> float | None:
    """Seconds more than the former build; None: they cannot be compared as a whole."""
    this, former = seen.run, seen.former
    if not former or former.state != BuildState.SUCCEEDED or this.state != BuildState.SUCCEEDED:
        return None
    return None if this.seconds is None else this.seconds - former.seconds


def sentence(seen: Progress, difference: float | None) -> str:
    this, former = seen.run, seen.former
    took = duration(this.seconds)
    if this.state in OWNED:
        took = f"{took} so far"
    elif this.state != BuildState.SUCCEEDED:
        took = f"{this.state.capitalize()} after {took}"
    if former is None:
        return f"{took}. There is no earlier build to compare it with."
    name = f"build {former.number}"
    if difference is None:
        ended = "took" if former.state == BuildState.SUCCEEDED else f"{former.state} after"
        return f"{took}; {name} {ended} {duration(former.seconds)}."
    if abs(difference) < max(1.0, SAME * former.seconds):
        return f"{took}, as long as {name}."
    faster = "slower" if difference > 0 else "faster"
    return f"{took}, {duration(abs(difference))} {faster} than {name}{reason(seen, difference)}."


def reason(seen: Progress, difference: float) -> str:
    most = biggest(seen.compared, difference)
    if most is None:
        return ""
    share = "most of it" if abs(most.weight) >= abs(difference) / 2 else "the largest part"
    if most.span is None:
        mark = "gone, "
    elif most.former is None:
        mark = "new, "
    else:
        mark = "reused, " if most.span.state == StepState.REUSED else ""
    return f"; {share}: {most.title} ({mark}{signed(most.weight)})"


def signed(seconds: float) -> str:
    """+12 s, −3.4 s."""
    if abs(seconds) < 0.05:
        return "±0 s"
    return f"{'+' if seconds > 0 else '−'}{duration(abs(seconds))}"


def clock(seconds: int) -> str:
    """What stands at the axis: 30 s, 2 min, 1:30, 1 h."""
    if seconds < 60:
        return f"{seconds} s"
    if seconds % 60:
        return f"{seconds // 60}:{seconds % 60:02} min"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds / 3600:g} h"
