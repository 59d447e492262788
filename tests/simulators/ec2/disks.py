"""The contents of snapshots and volumes: sparse raw files in the simulator's folder, named after their ids."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

BLOCK = 512 * 1024
GIB = 1 << 30
EMPTY = bytes(BLOCK)


class Disks:
    def __init__(self, folder: Path) -> None:
        self._folder = folder / "disks"
        self._folder.mkdir(parents=True, exist_ok=True)

    def path(self, name: str) -> Path:
        return self._folder / f"{name}.raw"

    def create(self, name: str, gib: int) -> None:
        with self.path(name).open("xb") as file:
            file.truncate(gib * GIB)

    def copy(self, source: str | Path, name: str, gib: int) -> None:
        """A copy, made larger where it must be."""
        origin = source if isinstance(source, Path) else self.path(source)
        subprocess.run(["cp", "--sparse=always", origin, self.path(name)], check=True)
        if self.path(name).stat().st_size < gib * GIB:
            os.truncate(self.path(name), gib * GIB)

    def delete(self, name: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def clear(self) -> None:
        for path in self._folder.iterdir():
            path.unlink()

    def read(self, name: str, index: int) -> bytes:
        with self.path(name).open("rb") as file:
            file.seek(index * BLOCK)
            return file.read(BLOCK).ljust(BLOCK, b"\0")

    def write(self, name: str, index: int, data: bytes) -> None:
        with self.path(name).open("r+b") as file:
            file.seek(index * BLOCK)
            file.write(data)

    def blocks(self, name: str) -> Iterator[int]:
        """The indexes of those that are not empty, in order."""
        with self.path(name).open("rb") as file:
            position, size = 0, os.fstat(file.fileno()).st_size
            while position < size:
                try:
                    position = os.lseek(file.fileno(), position, os.SEEK_DATA) // BLOCK * BLOCK
                except OSError:  # only a hole is left
                    return
                file.seek(position)
                if file.read(BLOCK).strip(b"\0"):
                    yield position // BLOCK
                position += BLOCK
