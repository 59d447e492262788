"""Waiting for what a vCenter does by itself."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Any

from pyVmomi import vmodl

from ..context import Context
from ..errors import Cancelled, TimedOut, WorkerError
from .errors import explained
from .session import Session

PAUSES = (0.05, 0.1, 0.2, 0.4, 0.8)  # seconds between two looks; the last one from then on
LAST_WORD = 60  # seconds that a task may take to end when it was cancelled

# Properties of a task, one by one: its entity may be of a kind that pyvmomi does not expect there.
STATE, ERROR, RESULT, PROGRESS = "info.state", "info.error", "info.result", "info.progress"


def wait(session: Session, task: Any, context: Context, doing: str) -> Any:
    """The task's result; `doing` for the error: "Cloning debian-12". A cancelled build cancels the task."""
    with explained(session, doing):
        return finish(session, task, context)


def finish(session: Session, task: Any, context: Context) -> Any:
    """The same for whoever knows what to do about a fault."""
    try:
        return _end(session, task, context.wait, context.console.progress)
    except (Cancelled, TimedOut):
        # What it makes can be removed only when it works no more.
        with contextlib.suppress(vmodl.MethodFault, WorkerError):
            task.CancelTask()
        patience = _Patience(LAST_WORD)
        with contextlib.suppress(vmodl.MethodFault, WorkerError, TimeoutError):
            _end(session, task, patience.wait, lambda _: None)
        raise


def _end(session: Session, task: Any, pause: Callable[[float], None], progress: Callable[[float], None]) -> Any:
    looks = 0
    while True:
        seen = session.read(task, STATE, ERROR, RESULT, PROGRESS)
        if seen[STATE] == "success":
            return seen.get(RESULT)
        if seen[STATE] == "error":
            raise seen[ERROR]
        if percent := seen.get(PROGRESS):
            progress(percent / 100)
        pause(PAUSES[min(looks, len(PAUSES) - 1)])
        looks += 1


class _Patience:
    """Waits, but not for ever, whatever becomes of the build."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def wait(self, seconds: float) -> None:
        if time.monotonic() > self._end:
            raise TimeoutError
        time.sleep(seconds)
