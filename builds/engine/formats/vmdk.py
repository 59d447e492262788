"""VMDK: streamOptimized to be uploaded, monolithicSparse for VMware's desktop products to run from."""

from __future__ import annotations

import struct
import zlib
from array import array
from pathlib import Path
from typing import BinaryIO

from .. import plugin
from ..context import Context
from ..image import Drive, Image
from .base import DiskFormat
from .grain import GRAIN, Grain, Writer
from .sink import FileSink, Sink

SECTOR = 512
ENTRIES = 512  # of a grain table
TABLE = ENTRIES * 4 // SECTOR  # sectors of a grain table
DESCRIPTOR = 1, 20  # first sector, sectors
END_OF_STREAM, GRAIN_TABLE, DIRECTORY, FOOTER = range(4)  # markers
AT_END = 0xFFFFFFFFFFFFFFFF  # "the directory's place is told by the footer"


class StreamWriter(Writer):
    """streamOptimized: deflated grains in order, each behind its place; then tables and a footer."""

    def __init__(self, sink: Sink, size: int, name: str) -> None:
        self._sink = sink
        self._sectors = -(-size // SECTOR)
        self._tables: dict[int, array[int]] = {}
        overhead = GRAIN // SECTOR
        start = self._header(AT_END) + descriptor("streamOptimized", self._sectors, name)
        sink.reserve(overhead * SECTOR)
        self._start = start.ljust(overhead * SECTOR, b"\0")

    def add(self, grain: Grain) -> None:
        table, entry = divmod(grain.index, ENTRIES)
        if table not in self._tables:
            self._tables[table] = array("I", bytes(ENTRIES * 4))
        self._tables[table][entry] = self._sink.position // SECTOR
        # The two bytes say: deflate with a window of 32 KiB.
        data = b"\x78\x01" + grain.wide + grain.adler32.to_bytes(4, "big")
        start = struct.pack("<QI", grain.index * GRAIN // SECTOR, len(data))
        self._sink.write(_pad(start + data))

    def close(self) -> None:
        directory = array("I", bytes(4 * -(-self._sectors * SECTOR // (GRAIN * ENTRIES))))
        for number, table in self._tables.items():
            self._mark(TABLE, GRAIN_TABLE)
            directory[number] = self._sink.position // SECTOR
            self._sink.write(table.tobytes())
        data = _pad(directory.tobytes())
        self._mark(len(data) // SECTOR, DIRECTORY)
        place = self._sink.position // SECTOR
        self._sink.write(data)
        self._mark(1, FOOTER)
        self._sink.write(self._header(place))
        self._mark(0, END_OF_STREAM)
        self._sink.finish(self._start)

    def _header(self, directory: int) -> bytes:
        flags = 0x30001  # line ends can be checked; grains are compressed; markers stand before everything
        return header(3, flags, self._sectors, 0, directory, GRAIN // SECTOR, deflate=True)

    def _mark(self, sectors: int, kind: int) -> None:
        self._sink.write(_pad(struct.pack("<QII", sectors, 0, kind)))


class SparseWriter(Writer):
    """monolithicSparse: all tables, twice, at the start, and then the grains as they stand on the disk."""

    def __init__(self, sink: Sink, size: int, name: str) -> None:
        self._sink = sink
        self._sectors = -(-size // SECTOR)
        self._name = name
        count = -(-size // (GRAIN * ENTRIES))
        self._directory = -(-count * 4 // SECTOR)  # sectors
        self._table = array("I", bytes(count * ENTRIES * 4))
        self._copies = (sum(DESCRIPTOR), sum(DESCRIPTOR) + self._directory + count * TABLE)
        overhead = self._copies[1] + self._directory + count * TABLE
        self._overhead = -(-overhead * SECTOR // GRAIN) * GRAIN // SECTOR
        sink.reserve(self._overhead * SECTOR)

    def add(self, grain: Grain) -> None:
        self._table[grain.index] = self._sink.position // SECTOR
        self._sink.write_grain(grain)

    def close(self) -> None:
        flags = 0x3  # line ends can be checked; the spare directory is valid
        spare, directory = self._copies
        start = header(1, flags, self._sectors, spare, directory, self._overhead, deflate=False)
        start += descriptor("monolithicSparse", self._sectors, self._name)
        for place in self._copies:
            tables = range(place + self._directory, place + self._directory + len(self._table) * 4 // SECTOR, TABLE)
            start += _pad(array("I", tables).tobytes()) + self._table.tobytes()
        self._sink.finish(start.ljust(self._overhead * SECTOR, b"\0"))


def header(
    version: int, flags: int, sectors: int, spare: int, directory: int, overhead: int, *, deflate: bool
) -> bytes:
    """The first sector; places and sizes in sectors."""
    return struct.pack(
        "<4sIIQQQQIQQQB4sH433x",
        *(b"KDMV", version, flags, sectors, GRAIN // SECTOR, *DESCRIPTOR, ENTRIES),
        *(spare, directory, overhead, 0, b"\n \r\n", deflate),
    )


def descriptor(kind: str, sectors: int, name: str) -> bytes:
    """The text that describes the disk. The same name gives the same content id."""
    text = f"""# Disk DescriptorFile
version=1
CID={zlib.crc32(name.encode()) & 0xFFFFFFFE:08x}
parentCID=ffffffff
createType="{kind}"

# Extent description
RW {sectors} SPARSE "{name}"

# The Disk Data Base
#DDB

ddb.virtualHWVersion = "4"
ddb.geometry.cylinders = "{sectors // (255 * 63)}"
ddb.geometry.heads = "255"
ddb.geometry.sectors = "63"
ddb.adapterType = "lsilogic"
"""
    return text.encode().ljust(DESCRIPTOR[1] * SECTOR, b"\0")


def read_capacity(path: Path) -> int:
    """Bytes of the disk that the VMDK holds."""
    with path.open("rb") as file:
        file.seek(12)
        return int.from_bytes(file.read(8), "little") * SECTOR


def _pad(data: bytes) -> bytes:
    return data + bytes(-len(data) % SECTOR)


class Vmdk(DiskFormat):
    name = "vmdk"
    label = "VMware disk (VMDK)"
    suffix = ".vmdk"
    media_type = "application/x-vmdk"

    class Options(plugin.Options):
        pass

    def details(self) -> dict[str, str]:
        return {"kind": "streamOptimized"}

    def writer(self, file: BinaryIO, image: Image, name: str, capacity: int) -> Writer:
        return StreamWriter(FileSink(file), capacity, f"{name}{self.suffix}")

    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        return Drive(image.file, "vmdk", controller="pvscsi", nic="vmxnet3")
