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

UNUSED = 30 * 24 * 3600
"""Seconds after which a base that no build asked for is removed. Far longer than any build runs."""
POLL = 0.2
PIECE = 1 << 20


@contextmanager
def locked(path: Path, context: Context) -> Iterator[None]:
    """Hold `path` against all builds of this worker. Who waits can be cancelled; who dies lets go."""
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
        yield


def keep(name: str, make: Callable[[Path], None], context: Context) -> Path:
    """The folder `name` among the bases. `make` fills it if it is not there: once, however many ask."""
    bases = context.cache / "bases"
    folder = bases / name
    with locked(bases / f".{name}.lock", context):
        if not folder.is_dir():
            remove_unused(bases)
            # Under the lock nobody else fills it: what is there, a killed maker left.
            part = bases / f".{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            try:
                make(part)
                part.rename(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
        os.utime(folder)
    return folder


def remove_unused(bases: Path) -> None:
    for path in bases.iterdir():
        old = time.time() - path.stat().st_mtime > UNUSED
        if old and path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def sha256(path: Path, context: Context) -> str:
    """The file's checksum as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
            context.check()
    return digest.hexdigest()
