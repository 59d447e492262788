"""The few bytes that make a tar: a header before each member, and zeros that fill it up."""

from __future__ import annotations

import tarfile
import time
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

BLOCK = tarfile.BLOCKSIZE
END = bytes(2 * BLOCK)
# Python's tarfile names the formats so.
Format = Literal[0, 1]
USTAR: Format = tarfile.USTAR_FORMAT
GNU: Format = tarfile.GNU_FORMAT
USTAR_LIMIT = 8**11
"""Bytes: a member of a USTAR archive is smaller."""


def header(name: str, size: int, format: Format) -> bytes:
    """One block, and never a PAX header before it: some importers take that for the first member."""
    info = tarfile.TarInfo(name)
    info.size = size
    # vagrant-libvirt tells images of boxes without a version apart by this.
    info.mtime = int(time.time())
    return info.tobuf(format)


def padding(size: int) -> bytes:
    return bytes(-size % BLOCK)


def member(name: str, data: bytes, format: Format) -> bytes:
    return header(name, len(data), format) + data + padding(len(data))


class Member(NamedTuple):
    """A file inside an archive: `size` bytes from `start`."""

    name: str
    start: int
    size: int


def members(read: Callable[[int, int], bytes]) -> Iterator[Member]:
    """The plain files of an archive, which is read by `read(start, stop)`: one block for each of them.

    tarfile.TarError: it is no archive, or not a plain one.
    """
    start = 0
    while (block := read(start, start + BLOCK)) != bytes(BLOCK):
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
        if not info.isreg():
            raise tarfile.TarError(f"{info.name} is no plain file")
        yield Member(info.name, start + BLOCK, info.size)
        start += BLOCK + info.size + len(padding(info.size))
