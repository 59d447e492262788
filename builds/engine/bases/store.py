"""Where bases are kept on a worker: one folder each, seen by others only once it is whole."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..context import Context
from ..errors import WorkerError

UNUSED = 30 * 24 * 3600
"""Seconds after which a base that no build asked for is removed. Far longer than any build runs."""
POLL = 0.2
PIECE = 1 << 20


@contextmanager
def locked(path: Path, context: Context) -> Iterator[int]:
    """Hold `path` against all builds of this worker. Who waits can be cancelled; who dies lets go.

    Yields the lock's file descriptor: a program that is given it keeps the others waiting for as long as one of its
    processes lives, even when this one was killed.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    waiting = False
    with path.open("w") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not waiting:
                    context.console.write("Another build is preparing this base; waiting for it.\n")
                    waiting = True
                context.wait(POLL)
        yield file.fileno()


def keep(name: str, make: Callable[[Path, int], None], context: Context) -> Path:
    """The folder `name` among the bases. `make(folder, lock)` fills it if it is not there: once, however many ask."""
    bases = context.cache / "bases"
    folder = bases / name
    with locked(bases / f".{name}.lock", context) as lock:
        if not folder.is_dir():
            remove_unused(bases)
            # Under the lock nobody else fills it: what is there, a killed maker left.
            part = bases / f".{name}.part"
            clear(part)
            part.mkdir()
            try:
                make(part, lock)
                part.rename(folder)
            finally:
                clear(part)
        os.utime(folder)
    return folder


def clear(folder: Path) -> None:
    """Remove the folder if there is one; never through a mount, behind which is somebody else's."""
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    if inside := [place for place in mounted if Path(place).is_relative_to(folder.resolve())]:
        raise WorkerError(
            f"{folder} has something mounted in it: {', '.join(inside)}.", hint=f"umount {' '.join(reversed(inside))}"
        )
    shutil.rmtree(folder, ignore_errors=True)


def remove_unused(bases: Path) -> None:
    for path in bases.iterdir():
        old = time.time() - path.stat().st_mtime > UNUSED
        if old and path.is_dir():
            clear(path)


def sha256(path: Path, context: Context) -> str:
    """The file's checksum as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            context.check()
    return digest.hexdigest()
