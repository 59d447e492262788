"""raw, gzipped: for dd, other converters, bare metal."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import BinaryIO

from isal import igzip, isal_zlib

from .. import plugin
from ..context import Context
from ..errors import BuildError
from ..image import Drive, Image
from .base import DiskFormat
from .grain import GRAIN, WIDE, Grain, Writer, deflate, member, zeros

RUN = 8
"""Zeros are written 2**8 grains (16 MiB) at a time at most."""
CHUNK = 16 * GRAIN


class RawWriter(Writer):
    """A gzip file of one member per grain, and of few large ones where the disk is empty."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._next = 0
        self._zeros: dict[int, bytes] = {}

    def add(self, grain: Grain) -> None:
        self._skip(grain.index)
        rest = self._size - grain.index * GRAIN
        if rest >= GRAIN:
            self._file.write(member(grain.wide, grain.crc32, GRAIN))
        else:
            self._write(grain.data[:rest])
        self._next = grain.index + 1

    def close(self) -> None:
        whole, rest = divmod(self._size, GRAIN)
        self._skip(whole)
        if rest and self._next == whole:
            self._write(bytes(rest))

    def _write(self, data: bytes) -> None:
        self._file.write(member(deflate(data, WIDE), isal_zlib.crc32(data), len(data)))

    def _skip(self, index: int) -> None:
        while self._next < index:
            power = min((index - self._next).bit_length() - 1, RUN)
            if power not in self._zeros:
                self._zeros[power] = zeros(1 << power)
            self._file.write(self._zeros[power])
            self._next += 1 << power


class Raw(DiskFormat):
    name = "raw"
    label = "Raw disk (gzip)"
    suffix = ".raw.gz"
    media_type = "application/gzip"

    class Options(plugin.Options):
        pass

    def details(self) -> dict[str, str]:
        return {"compression": "gzip"}

    def writer(self, file: BinaryIO, image: Image, name: str, capacity: int) -> Writer:
        return RawWriter(file, capacity)

    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        path = folder / "disk.raw"
        try:
            unpack(image.file, path, context)
        except (EOFError, gzip.BadGzipFile, isal_zlib.error) as error:  # type: ignore[misc]
            raise BuildError(f"{image.file.name} is not a whole gzip file: {error}") from error
        return Drive(path, "raw")


def unpack(source: Path, target: Path, context: Context) -> None:
    """gunzip with holes where the disk is empty."""
    # Twice as fast as the standard library.
    with igzip.IGzipFile(source, "rb") as packed, target.open("wb") as disk:  # type: ignore[no-untyped-call]
        while data := packed.read(CHUNK):
            context.check()
            if data.count(0) == len(data):
                disk.seek(len(data), 1)
            else:
                disk.write(data)
        disk.truncate()
