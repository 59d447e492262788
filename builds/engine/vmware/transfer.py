"""Moving many bytes beside the thread that watches over them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import BinaryIO

from ..context import Context
from ..errors import WorkerError

PIECE = 2**20
PATIENCE = 60  # seconds without a byte
LOOK = 0.2  # seconds


class Count:
    """How far a transfer is; and whether anybody still waits for it."""

    def __init__(self) -> None:
        self.bytes = 0
        self.over = False

    def add(self, count: int) -> None:
        if self.over:
            raise WorkerError("Nobody waits for this transfer any more.")
        self.bytes += count


class Body:
    """A part of a file, as the body of a request."""

    def __init__(self, source: BinaryIO, size: int, done: Count) -> None:
        self._source = source
        self._left = size
        self._done = done

    def read(self, count: int = -1) -> bytes:
        data = self._source.read(self._left if count < 0 else min(count, self._left))
        self._left -= len(data)
        self._done.add(len(data))
        return data


def carry(
    work: Callable[[], None], done: Count, size: int, context: Context, tell: Callable[[float], None]
) -> Exception | None:
    """Run `work` in another thread; what went wrong with it. `tell` hears how far it is, a few times a second.

    A cancelled build does not wait for a silent server: the thread ends by itself at its next byte.
    """
    failed: list[Exception] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # whatever it is, it belongs to the thread that waits
            failed.append(error)

    thread = threading.Thread(target=run, name="transfer", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            context.check()
            fraction = min(1.0, done.bytes / max(size, 1))
            context.console.progress(fraction)
            tell(fraction)
            thread.join(LOOK)
    finally:
        done.over = True
    return failed[0] if failed else None
