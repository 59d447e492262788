"""A captured disk, opened for reading: its data lies in a chain of files and is read straight from them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..command import run
from ..context import Context
from .grain import GRAIN


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of the disk, and where they lie: `length` bytes at `offset` of the open file."""

    start: int
    length: int
    file: int
    offset: int


@dataclass(frozen=True)
class Disk:
    size: int
    pieces: Sequence[Piece]
    """Whatever may hold data, in order. Everything else reads as zeros."""

    @property
    def allocated(self) -> int:
        return sum(piece.length for piece in self.pieces)

    def grains(self) -> Iterator[tuple[int, list[Piece]]]:
        """The index of each grain that may hold data, with its pieces."""
        index, pieces = -1, list[Piece]()
        for piece in self.pieces:
            start, end = piece.start, piece.start + piece.length
            while start < end:
                if start // GRAIN != index:
                    if pieces:
                        yield index, pieces
                    index, pieces = start // GRAIN, []
                length = min(end, (index + 1) * GRAIN) - start
                pieces.append(Piece(start, length, piece.file, piece.offset + start - piece.start))
                start += length
        if pieces:
            yield index, pieces


def read(pieces: Sequence[Piece]) -> bytes:
    """One grain; what no piece covers is zero. Safe in threads."""
    first = pieces[0]
    if first.length == GRAIN:
        data = os.pread(first.file, GRAIN, first.offset)
        return data.ljust(GRAIN, b"\0")  # a raw file may end within its last sector
    grain = bytearray(GRAIN)
    for piece in pieces:
        data = os.pread(piece.file, piece.length, piece.offset)
        grain[piece.start % GRAIN : piece.start % GRAIN + len(data)] = data
    return bytes(grain)


@contextmanager
def opened(path: Path, format: str, scratch: Path, context: Context) -> Iterator[Disk]:
    """Open a disk of a known format, never a guessed one: a guest can write any header into a raw disk.

    What is compressed has no place to be read from: such a disk is first unpacked into `scratch`.
    """
    chain, extents = _chain(path, format, context), _extents(path, format, context)
    if not all("offset" in extent and _plain(chain[extent["depth"]]) for extent in extents):
        path, format = unpack(path, format, scratch / "unpacked.raw", context), "raw"
        chain, extents = _chain(path, format, context), _extents(path, format, context)
    with ExitStack() as stack:
        files = {}
        for depth in {extent["depth"] for extent in extents}:
            files[depth] = os.open(chain[depth]["filename"], os.O_RDONLY)
            stack.callback(os.close, files[depth])
        pieces = [Piece(each["start"], each["length"], files[each["depth"]], each["offset"]) for each in extents]
        yield Disk(chain[0]["virtual-size"], pieces)


def unpack(path: Path, format: str, target: Path, context: Context) -> Path:
    """The whole chain as one sparse raw file."""
    run(["qemu-img", "convert", "-f", format, "-O", "raw", "-W", path, target], context)
    return target


def _chain(path: Path, format: str, context: Context) -> list[dict[str, Any]]:
    """What QEMU says about the disk and each file behind it."""
    told = run(["qemu-img", "info", "-f", format, "--backing-chain", "--output=json", path], context)
    return list(json.loads(told))


def _extents(path: Path, format: str, context: Context) -> list[dict[str, Any]]:
    extents = json.loads(run(["qemu-img", "map", "-f", format, "--output=json", path], context))
    return [extent for extent in extents if extent["data"] and not extent["zero"]]


def _plain(file: dict[str, Any]) -> bool:
    """Are the offsets that QEMU tells those in this very file?"""
    kind = file.get("format-specific", {}).get("data", {})
    return "data-file" not in kind and not file.get("encrypted") and Path(file["filename"]).is_file()
