"""From a signal to an orderly end."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .engine.context import Stop


@contextmanager
def stop_on(*numbers: signal.Signals) -> Iterator[Stop]:
    """A Stop that any of the signals cancels, so that the engine cleans up before it ends. For the main thread."""
    stop = Stop()

    def cancel(*_: object) -> None:
        # From a thread: the handler may have interrupted the very lock that cancel() takes.
        threading.Thread(target=stop.cancel).start()

    former = [signal.signal(number, cancel) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)
