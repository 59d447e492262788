"""Where a disk image's bytes go: a file of its own, or a member of a Vagrant box."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import BinaryIO

from .. import tar
from .grain import GRAIN, Grain, member, stored, stored_length


class Sink(ABC):
    """Takes an image's bytes in order. Only its start may be kept free and be filled in at the end."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.position = 0

    def reserve(self, size: int) -> None:
        """Keep the first `size` bytes free; called once, before anything is written."""
        self.position = size

    @abstractmethod
    def write(self, data: bytes) -> None: ...

    @abstractmethod
    def write_grain(self, grain: Grain) -> None:
        """Write a grain's data as it stands on the disk."""

    @abstractmethod
    def finish(self, start: bytes) -> None:
        """Fill in what was reserved; nothing is written afterwards."""

    def align(self, size: int) -> None:
        self.write(bytes(-self.position % size))


class FileSink(Sink):
    def reserve(self, size: int) -> None:
        super().reserve(size)
        self._file.seek(size)

    def write(self, data: bytes) -> None:
        self._file.write(data)
        self.position += len(data)

    def write_grain(self, grain: Grain) -> None:
        self.write(grain.data)

    def finish(self, start: bytes) -> None:
        self._file.seek(0)
        self._file.write(start)


class BoxSink(Sink):
    """A Vagrant box: a gzipped tar of small files and, as its last member, the image.

    The tar header with the image's size stands before it, as does the image's own header, but both are known
    only at the end. So they go into a gzip member of stored blocks, whose length is known at once. All else
    is compressed already: the grains' deflate streams are taken over as they are.
    """

    # GNU's format as Packer writes it: older libarchives misread others, and an image may exceed 8 GiB.
    def __init__(self, file: BinaryIO, name: str, files: Mapping[str, bytes]) -> None:
        super().__init__(file)
        self._name = name
        self._files = b"".join(tar.member(each, data, tar.GNU) for each, data in files.items())

    def reserve(self, size: int) -> None:
        super().reserve(size)
        self._file.seek(stored_length(len(self._files) + tar.BLOCK + size))

    def write(self, data: bytes) -> None:
        if data:
            self._file.write(stored(data))
            self.position += len(data)

    def write_grain(self, grain: Grain) -> None:
        self._file.write(member(grain.wide, grain.crc32, GRAIN))
        self.position += GRAIN

    def finish(self, start: bytes) -> None:
        self._file.write(stored(tar.padding(self.position) + tar.END))
        self._file.seek(0)
        self._file.write(stored(self._files + tar.header(self._name, self.position, tar.GNU) + start))
