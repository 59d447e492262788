"""What a format does: it turns an image into another that some user's software reads."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import BinaryIO, ClassVar

from ..command import find
from ..context import Context
from ..image import Drive, Image
from ..plugin import Options, Plugin
from .grain import Writer

DISK = "disk"
"""The captured machine."""
VAGRANT_DISK = "vagrant-disk"
"""The same with what Vagrant expects in it: a user with a well-known key. Only boxes are made from it."""


class Format(Plugin):
    Options: ClassVar[type[Options]]
    source: ClassVar[str]
    """What it is made from: DISK, VAGRANT_DISK or the name of another format."""
    suffix: ClassVar[str]
    """What the file's name ends with: ".qcow2", ".ova", ".libvirt.box"."""
    media_type: ClassVar[str]
    programs: ClassVar[tuple[str, ...]] = ("qemu-img",)
    """What the worker must have."""

    def verify(self) -> None:
        for program in self.programs:
            find(program)

    def details(self) -> dict[str, str]:
        """What the finished image tells the record and people."""
        return {}

    @abstractmethod
    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        """Unpack the finished file into `folder` as its user's software would, and say how to boot it.

        Raises BuildError when that software would refuse the file.
        """


class DiskFormat(Format):
    """Made from a disk's grains. All disk formats of a build are written in one pass over the disk."""

    source: ClassVar[str] = DISK

    @abstractmethod
    def writer(self, file: BinaryIO, image: Image, name: str, capacity: int) -> Writer:
        """Writes `image`, a disk of `capacity` bytes, into the empty `file`. `name` is the machine's."""


class PackedFormat(Format):
    """Made from another format's finished file."""

    @abstractmethod
    def pack(self, image: Image, file: BinaryIO, name: str, context: Context) -> None:
        """Write it into the empty `file`."""
