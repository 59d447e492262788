"""Builds as they happen: their logs, how far they are, and how they end.

Everything is read from the server's rows, so that a lost connection or a restart costs nothing: the next request asks
for what came after the last one.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from .errors import CANCELLED, FAILED, INTERRUPTED, OK
from .output import Output
from .server import Server

PAUSE = 1.0
"""Seconds between two looks at builds that say nothing, when there are several, or somebody looks at the progress."""
WAIT = 15
"""Seconds that the server may keep us waiting for the log of the only one."""
LONGEST = 5
"""So many steps are named at the end."""
BAR = 24
"""Characters of the longest one's bar."""


@dataclass
class Watched:
    number: int
    after: int = -1
    unfinished: str = ""
    """The last line, as long as its end has not come."""
    build: dict[str, Any] = field(default_factory=dict)
    waits: str = ""
    done: bool = False
    """It has ended, and all that it said was read."""


def watch(server: Server, output: Output, numbers: Iterable[int]) -> int:
    """Until all have ended; the exit status."""
    builds = [Watched(number) for number in numbers]
    try:
        with Screen(output, several=len(builds) > 1) as screen:
            for each in builds:
                look(server, screen, each)
            while going := [each for each in builds if not each.done]:
                alone = len(going) == 1 and not output.is_live
                said = [read(server, screen, each, wait=WAIT if alone else 0) for each in going]
                if not any(said) and not all(each.done for each in going):
                    time.sleep(PAUSE)
    except KeyboardInterrupt:
        going = [str(each.number) for each in builds if not each.done]
        if going:
            output.say(f"It goes on without you: slipway build watch {going[0]}")
        return INTERRUPTED
    for each in builds:
        tell(output, each)
    output.answer({"builds": [each.build for each in builds]})
    return status(each.build["state"] for each in builds)


def status(states: Iterable[str]) -> int:
    found = set(states)
    return FAILED if "failed" in found else CANCELLED if "cancelled" in found else OK


def read(server: Server, screen: Screen, each: Watched, *, wait: int) -> bool:
    """What is new; whether anything was."""
    found = server.get("builds", each.number, "log", after=each.after, wait=wait)
    each.after = found["after"]
    text = each.unfinished + "".join(chunk["text"] for chunk in found["chunks"])
    *lines, each.unfinished = text.split("\n")
    if found["final"] and each.unfinished:
        lines.append(each.unfinished)
    for line in lines:
        screen.line(each, line)
    look(server, screen, each)
    each.done = found["final"]
    return bool(found["chunks"])


def look(server: Server, screen: Screen, each: Watched) -> None:
    each.build = server.get("builds", each.number)
    screen.progress(each)


def tell(output: Output, each: Watched) -> None:
    build = each.build
    seconds = f" after {build['elapsed']:.0f} s" if build["elapsed"] else ""
    output.say(f"Build {each.number} ({build['platform']}) {build['state']}{seconds}: {build['url']}")
    for line in (build["error"], build["hint"]):
        if line:
            output.say(f"  {line}")
    for line in where_time_went(build["steps"]):
        output.say(f"  {line}")


def where_time_went(steps: Iterable[dict[str, Any]]) -> Iterator[str]:
    """The steps that took longest, with bars; and how many need not run again."""
    steps = list(steps)
    timed = [step for step in steps if step["seconds"]]
    longest = sorted(timed, key=lambda step: step["seconds"], reverse=True)[:LONGEST]
    for step in longest:
        length = max(1, round(BAR * step["seconds"] / longest[0]["seconds"]))
        failed = " (failed)" if step["state"] == "failed" else ""
        yield f"{'█' * length:{BAR}} {step['seconds']:6.1f} s  {step['title']}{failed}"
    if reused := sum(step["state"] == "reused" for step in steps):
        yield f"{reused} step{'s' if reused > 1 else ''} reused from layers"


class Screen:
    """Lines, and below them bars for whoever looks."""

    def __init__(self, output: Output, *, several: bool) -> None:
        self._output = output
        self._several = several
        self._tasks: dict[int, TaskID] = {}
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[step]}", markup=False),
            TimeElapsedColumn(),
            console=output.err,
            disable=not output.is_live,
            transient=True,
        )

    def __enter__(self) -> Screen:
        self._bars.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._bars.stop()

    def line(self, each: Watched, line: str) -> None:
        if self._output.as_json:
            return
        text = f"[{each.build['platform']}] {line}" if self._several else line
        if self._output.is_live:
            self._output.say(text)  # above the bars
        else:
            self._output.write(text)

    def progress(self, each: Watched) -> None:
        build = each.build
        if build["waits"] and build["waits"] != each.waits and not self._output.is_live:
            self._output.say(f"Build {each.number} ({build['platform']}) {build['waits']}.")
        each.waits = build["waits"]
        step = next((step["title"] for step in build["steps"] if step["state"] == "running"), build["waits"])
        if each.number not in self._tasks:
            self._tasks[each.number] = self._bars.add_task(build["platform"], total=100, step="")
        self._bars.update(self._tasks[each.number], completed=build["percent"], step=step)
