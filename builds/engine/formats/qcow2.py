"""qcow2: for QEMU, libvirt, Proxmox, OpenStack."""

from __future__ import annotations

import struct
from array import array
from pathlib import Path
from typing import BinaryIO

from .. import plugin
from ..context import Context
from ..image import Drive, Image
from .base import DiskFormat
from .grain import GRAIN, Grain, Writer
from .sink import FileSink, Sink

CLUSTER = GRAIN
ENTRIES = CLUSTER // 8  # of an L2 table
COUNTS = CLUSTER // 2  # of a block of 16-bit reference counts
COPIED = 1 << 63  # the cluster has one reference
COMPRESSED = 1 << 62
SECTORS_SHIFT = 54  # where a compressed cluster's entry tells how many sectors it reaches into
VERSION = 3


class Qcow2Writer(Writer):
    """The header comes first; every table comes after the data, when it is known which of them are needed."""

    def __init__(self, sink: Sink, size: int, *, compressed: bool) -> None:
        self._sink = sink
        self._size = size
        self.narrow = compressed
        self._tables: dict[int, array[int]] = {}
        self._counts = array("H", [1])
        sink.reserve(CLUSTER)

    def add(self, grain: Grain) -> None:
        table, entry = divmod(grain.index, ENTRIES)
        if table not in self._tables:
            self._tables[table] = array("Q", bytes(CLUSTER))
        small = self.narrow and len(grain.narrow) < CLUSTER
        self._tables[table][entry] = self._add_deflated(grain.narrow) if small else self._add_cluster(grain)

    def _add_deflated(self, data: bytes) -> int:
        start = self._sink.position
        end = start + len(data) - 1
        self._sink.write(data)
        self._count(start // CLUSTER, end // CLUSTER)
        return COMPRESSED | (end // 512 - start // 512) << SECTORS_SHIFT | start

    def _add_cluster(self, grain: Grain) -> int:
        self._sink.align(CLUSTER)
        start = self._sink.position
        self._sink.write_grain(grain)
        self._count(start // CLUSTER, start // CLUSTER)
        return COPIED | start

    def _count(self, first: int, last: int) -> None:
        self._counts.extend([0] * (last + 1 - len(self._counts)))
        for cluster in range(first, last + 1):
            self._counts[cluster] += 1

    def close(self) -> None:
        self._sink.align(CLUSTER)
        l1 = [0] * -(-self._size // (CLUSTER * ENTRIES))
        for number, table in self._tables.items():
            l1[number] = COPIED | self._write_table(table)
        l1_start = self._write_table(array("Q", l1))
        refcounts_start, refcounts_clusters = self._write_counts()
        self._sink.finish(
            struct.pack(
                ">4sIQIIQIIQQIIQQQQII",
                *(b"QFI\xfb", VERSION, 0, 0, CLUSTER.bit_length() - 1, self._size, 0),
                *(len(l1), l1_start, refcounts_start, refcounts_clusters, 0, 0),
                *(0, 0, 0, 4, 104),  # no features; counts of 2**4 bits; the header's length
            ).ljust(CLUSTER, b"\0")
        )

    def _write_table(self, table: array[int]) -> int:
        start = self._sink.position
        table.byteswap()
        self._sink.write(table.tobytes())
        self._sink.align(CLUSTER)
        if self._sink.position > start:
            self._count(start // CLUSTER, self._sink.position // CLUSTER - 1)
        return start

    def _write_counts(self) -> tuple[int, int]:
        """The counts count themselves: the blocks, and behind them the table that lists the blocks."""
        first = self._sink.position // CLUSTER
        blocks = clusters = 0
        while blocks * COUNTS < first + blocks + clusters or not blocks:
            blocks += 1
            clusters = -(-blocks // ENTRIES)
        self._count(first, first + blocks + clusters - 1)
        counts = self._counts + array("H", [0] * (blocks * COUNTS - len(self._counts)))
        counts.byteswap()
        self._sink.write(counts.tobytes())
        table = [(first + number) * CLUSTER for number in range(blocks)]
        self._sink.write(struct.pack(f">{blocks}Q", *table))
        self._sink.align(CLUSTER)
        return (first + blocks) * CLUSTER, clusters


class Qcow2(DiskFormat):
    name = "qcow2"
    label = "QEMU disk (qcow2)"
    suffix = ".qcow2"
    media_type = "application/x-qemu-disk"

    class Options(plugin.Options):
        pass

    def details(self) -> dict[str, str]:
        return {"compression": "zlib", "runs on": "QEMU 1.1 or later, libvirt"}

    def writer(self, file: BinaryIO, image: Image, name: str, capacity: int) -> Writer:
        return Qcow2Writer(FileSink(file), capacity, compressed=True)

    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        return Drive(image.file, "qcow2")
