"""The unit that every disk format is written in: 64 KiB of the disk, deflated once or twice for all of them.

qcow2 calls it a cluster, VMDK a grain, and a gzip file may have many members. All three hold deflate streams, so the
same compressed bytes could serve them all if they looked back 4 KiB at most: qcow2 allows no more. The others look
back further, which makes them 3 % smaller and takes isal a second per GiB.
"""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from dataclasses import dataclass

from isal import isal_zlib

GRAIN = 65536
"""Bytes."""
ZERO = bytes(GRAIN)
LEVEL = 1
"""Of isal's 0 to 3. Level 3 saves 1 % of the size for a third more time."""
NARROW, WIDE = -12, -15
"""How far a stream looks back: 4 and 32 KiB; and no header."""


@dataclass(frozen=True, slots=True)
class Grain:
    """64 KiB of the disk that are not all zero; the disk's last grain is filled up with zeros."""

    index: int
    data: bytes
    narrow: bytes
    wide: bytes
    """The data deflated, looking back so far; empty where no writer wants it."""
    adler32: int
    crc32: int

    @classmethod
    def of(cls, index: int, data: bytes, *, narrow: bool = True, wide: bool = True) -> Grain:
        return cls(
            index,
            data,
            deflate(data, NARROW) if narrow else b"",
            deflate(data, WIDE) if wide else b"",
            isal_zlib.adler32(data),
            isal_zlib.crc32(data),
        )


class Writer(ABC):
    """Writes a disk in one format. Grains come in rising order; those that are all zero do not come."""

    narrow: bool = False
    """Which streams it wants."""

    @abstractmethod
    def add(self, grain: Grain) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Write what can be written only now. The file itself belongs to the caller."""


def deflate(data: bytes, window: int) -> bytes:
    packer = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, window)
    return bytes(packer.compress(data) + packer.flush())


# A gzip file is any number of members behind each other; every reader unpacks them into one stream.
_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_BLOCK = 65535  # what one stored block holds at most


def member(deflated: bytes, crc32: int, size: int) -> bytes:
    """A gzip member of a deflate stream; `size` is that of the data before it was deflated."""
    return b"".join((_HEADER, deflated, crc32.to_bytes(4, "little"), (size & 0xFFFFFFFF).to_bytes(4, "little")))


def stored(data: bytes) -> bytes:
    """A gzip member of data as it is: it is compressed already, or the member's length must be known."""
    blocks = []
    for start in range(0, len(data) or 1, _BLOCK):
        block = data[start : start + _BLOCK]
        last = start + _BLOCK >= len(data)
        length = len(block)
        blocks += [
            bytes([last]),
            length.to_bytes(2, "little"),
            (length ^ 0xFFFF).to_bytes(2, "little"),
            block,
        ]
    return member(b"".join(blocks), isal_zlib.crc32(data), len(data))


def stored_length(size: int) -> int:
    return len(_HEADER) + 5 * max(1, -(-size // _BLOCK)) + size + 8


def zeros(count: int) -> bytes:
    """A gzip member of `count` zero grains, as small as deflate makes it."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join(packer.compress(ZERO) for _ in range(count)) + packer.flush()
