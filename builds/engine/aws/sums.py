"""The checksums of a snapshot's blocks, kept on this worker.

A snapshot that is being written cannot be read: what is there already, only this file knows. And of one that is
complete, EBS tells a block's checksum only together with its data.
"""

from __future__ import annotations

import struct
import threading
import time
from pathlib import Path
from typing import IO, Self

RECORD = struct.Struct(">I32s")  # a block's number and the SHA-256 of its 512 KiB
KEEP = 180 * 24 * 3600
"""Seconds. Without the file, what it would have told is read from the snapshot, or uploaded again."""


class Sums:
    """Of one snapshot. Each record is written once its block is there; a torn one at the end does not count."""

    def __init__(self, folder: Path, snapshot: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / snapshot
        self._sums: dict[int, bytes] = {}
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None
        if self._path.exists():
            data = self._path.read_bytes()
            whole = len(data) - len(data) % RECORD.size
            self._sums.update(RECORD.iter_unpack(data[:whole]))

    def get(self, block: int) -> bytes | None:
        return self._sums.get(block)

    def add(self, block: int, digest: bytes) -> None:
        """Only inside of the `with` block. Safe in threads."""
        with self._lock:
            if self._file and self._sums.get(block) != digest:
                self._file.write(RECORD.pack(block, digest))
                self._sums[block] = digest

    def __enter__(self) -> Self:
        self._file = self._path.open("ab", buffering=0)
        self._file.truncate(self._file.tell() // RECORD.size * RECORD.size)
        return self

    def __exit__(self, *exc_info: object) -> None:
        with self._lock:
            if self._file:
                self._file.close()
                self._file = None


def forget_old(folder: Path) -> None:
    """Those that nobody has used for half a year."""
    for path in folder.glob("snap-*"):
        if path.stat().st_mtime < time.time() - KEEP:
            path.unlink(missing_ok=True)
