"""Waiting for what other processes and threads do."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_for(condition: Callable[[], object], seconds: float = 10, *, seen: Callable[[], object] = str) -> None:
    """Until the condition holds; an AssertionError, with what is `seen` instead, when it does not in time."""
    end, pause = time.monotonic() + seconds, 0.01
    while not condition():
        assert time.monotonic() < end, f"it did not happen in time {seen()}"
        time.sleep(pause)
        pause = min(pause * 1.2, 0.1)  # what has not happened for a while need not be noticed at once
