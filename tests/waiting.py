"""Waiting for what other processes and threads do."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(
    condition: Callable[[], object], seconds: float = 10, *, seen: Callable[[], object] = str, slowest: float = 0.1
) -> None:
    """Until the condition holds; an AssertionError, with what is `seen` instead, when it does not in time.

    Looks at first often, then each `slowest` seconds: what holds for a moment only wants less.
    """
    end, pause = time.monotonic() + seconds, 0.01
    while not condition():
        assert time.monotonic() < end, f"it did not happen in time {seen()}"
        time.sleep(pause)
        pause = min(pause * 1.2, slowest)  # what has not happened for a while need not be noticed at once
