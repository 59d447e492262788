"""A guest's memory and devices, into a file and out of one. QEMU gets an end of a pipe: it may open nothing itself."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ...command import Child
from ...context import Context
from ...errors import WorkerError
from ...layers.layer import for_us_alone
from .qmp import Qmp

FASTER = 1 << 40  # bytes a second: QEMU's own limit is made for networks
PATIENCE = 60.0  # seconds for the last bytes
POLL = 0.01


def write(qmp: Qmp, target: Path, context: Context) -> None:
    """The state of a guest that is stopped. WorkerError, OSError: the file is not whole."""
    with (
        open(target, "xb", opener=for_us_alone) as file,
        _pipe() as (read, write),
        Child(["zstd", "-1", "-T0", "-q", "-c"], stdin=read, stdout=file) as packer,
    ):
        read.close()
        qmp.hand_over(write.fileno(), "state")
        write.close()
        qmp.execute("migrate-set-parameters", **{"max-bandwidth": FASTER})
        qmp.execute("migrate", uri="fd:state")
        while (status := qmp.execute("query-migrate").get("status")) not in ("completed", "failed"):
            context.wait(POLL)
        if status == "failed" or packer.wait(PATIENCE):
            raise WorkerError("The machine's memory could not be written.", hint="Is this worker's disk full?")


def read(qmp: Qmp, source: Path, context: Context) -> None:
    """Into a guest that waits for it; it is stopped. WorkerError, OSError: it is of no use any more."""
    with (
        source.open("rb") as file,
        _pipe() as (read, write),
        Child(["zstd", "-d", "-q", "-c"], stdin=file, stdout=write) as unpacker,
    ):
        write.close()
        qmp.hand_over(read.fileno(), "state")
        read.close()
        qmp.execute("migrate-incoming", uri="fd:state")
        while qmp.execute("query-status")["status"] == "inmigrate":
            context.wait(POLL)
        if unpacker.wait(PATIENCE):
            raise WorkerError("The memory that was kept is damaged.")


@contextmanager
def _pipe() -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    read, write = os.pipe()
    with os.fdopen(read, "rb", 0) as reading, os.fdopen(write, "wb", 0) as writing:
        yield reading, writing
