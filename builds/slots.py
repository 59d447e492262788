"""How many workers build on one host: each takes a slot, which the kernel frees when it ends, however it ends."""

from __future__ import annotations

import fcntl
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from .engine.errors import WorkerError


@contextmanager
def slot() -> Iterator[None]:
    """One of this host's. Raises WorkerError when all are taken."""
    folder = settings.DATA_DIR / "slots"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(settings.BUILDS_PER_HOST):
        with (folder / f"{socket.gethostname()}-{number}").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield
            return
    raise WorkerError(
        f"This host has its {settings.BUILDS_PER_HOST} workers already.",
        hint="Raise SLIPWAY_BUILDS_PER_HOST if it has processors and memory for more builds at once.",
    )
