"""Services take a moment after boot, so checks look again until their time is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..context import Context
from ..errors import CheckFailed

PAUSE = 1.0  # seconds between two looks


def within(seconds: float, context: Context, look: Callable[[], str]) -> str:
    """What `look()` returns, or its last CheckFailed after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        context.check()
        try:
            return look()
        except CheckFailed as failure:
            left = end - time.monotonic()
            if left <= 0:
                waited = f" (for {seconds:.0f} s)" if seconds else ""
                raise CheckFailed(f"{failure.message}{waited}", hint=failure.hint) from None
            context.wait(min(PAUSE, left))
