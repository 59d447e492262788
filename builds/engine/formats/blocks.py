"""A finished qcow2, read in the blocks in which it is uploaded: without unpacking it, and by many threads."""

from __future__ import annotations

import os
import struct
import sys
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from isal import isal_zlib

from ..errors import BuildError
from .grain import GRAIN, NARROW
from .qcow2 import COMPRESSED, COPIED, ENTRIES, SECTORS_SHIFT, VERSION

BLOCK = 512 * 1024
GRAINS = BLOCK // GRAIN
ADDRESS = (1 << SECTORS_SHIFT) - 1


class Blocks:
    """Only what our own writer writes is understood: 64 KiB clusters, deflated or not, and nothing behind them."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        magic, version, backing, _, bits, self.size, crypt, tables, start = struct.unpack(">4sIQIIQIIQ", file.read(48))
        if (magic, version, backing, 1 << bits, crypt) != (b"QFI\xfb", VERSION, 0, GRAIN, 0):
            raise BuildError(f"{file.name} is not a qcow2 that Slipway wrote.", hint="Build the release again.")
        l1 = self._table(start, tables)
        self._tables = {number: self._table(each & ~COPIED, ENTRIES) for number, each in enumerate(l1) if each}
        self.used = [
            (number * ENTRIES + first) // GRAINS
            for number, table in self._tables.items()
            for first in range(0, ENTRIES, GRAINS)
            if any(table[first : first + GRAINS])
        ]
        """The numbers of the blocks that are not all zero, in rising order."""

    def read(self, block: int) -> bytes:
        """Safe in threads. ValueError once the file is closed."""
        number, first = divmod(block * GRAINS, ENTRIES)
        table = self._tables.get(number)
        if table is None:
            return bytes(BLOCK)
        return b"".join(self._grain(entry) if entry else bytes(GRAIN) for entry in table[first : first + GRAINS])

    def _grain(self, entry: int) -> bytes:
        if not entry & COMPRESSED:
            return os.pread(self._file.fileno(), GRAIN, entry & ~COPIED)
        start = entry & ADDRESS
        sectors = (entry & ~COMPRESSED) >> SECTORS_SHIFT
        data = os.pread(self._file.fileno(), (sectors + 1) * 512 - start % 512, start)
        return bytes(isal_zlib.decompressobj(NARROW).decompress(data, GRAIN))

    def _table(self, start: int, length: int) -> array[int]:
        table = array("Q", os.pread(self._file.fileno(), length * 8, start))
        if sys.byteorder == "little":
            table.byteswap()
        return table


@contextmanager
def opened(path: Path) -> Iterator[Blocks]:
    with path.open("rb") as file:
        yield Blocks(file)
