"""What a format does: it turns an image into another that some user's software reads."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, ClassVar

from ..command import find
from ..context import Context
from ..image import Drive, Image, Size
from ..machine import Machine
from ..plugin import Options, Plugin
from .grain import Writer

if TYPE_CHECKING:
    from ..plan import Plan
    from ..platforms.base import Platform

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

    def flaws(self, platform: Platform) -> Iterator[str]:
        """What is wrong with asking this platform for it: found when the template is read."""
        yield from ()

    def preflight(self, plan: Plan, context: Context) -> None:
        """Before anything is started: is there what it needs outside, and is no name taken? Only looks.

        Raises BuildError with everything that it found.
        """


class FileFormat(Format):
    """A file that people download."""

    @abstractmethod
    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        """Unpack the finished file into `folder` as its user's software would, and say how to boot it.

        Raises BuildError when that software would refuse the file.
        """


class DiskFormat(FileFormat):
    """Made from a disk's grains. All disk formats of a build are written in one pass over the disk."""

    source: ClassVar[str] = DISK

    @abstractmethod
    def writer(self, file: BinaryIO, image: Image, name: str, capacity: int) -> Writer:
        """Writes `image`, a disk of `capacity` bytes, into the empty `file`. `name` is the machine's."""


class PackedFormat(FileFormat):
    """Made from another format's finished file."""

    @abstractmethod
    def pack(self, image: Image, file: BinaryIO, name: str, context: Context) -> None:
        """Write it into the empty `file`."""


class PlacedFormat(Format):
    """An image that lives in a cloud or a vCenter: made there by a native platform, or imported from a file format."""

    suffix: ClassVar[str] = ""
    media_type: ClassVar[str] = ""
    programs: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def make(self, image: Image, plan: Plan, context: Context) -> Image:
        """Import the finished file of the format `source` as an image in the account and region of the options.

        What a broken attempt has left and can be used again is used again.
        """

    @abstractmethod
    def boot(
        self, image: Image, size: Size, context: Context, *, network: str = "outside"
    ) -> AbstractContextManager[Machine]:
        """A throw-away machine from the image, in the place where the image is; reached as its user would reach it."""

    def copies(self, plan: Plan) -> tuple[str, ...]:
        """The other regions in which it is wanted too."""
        return ()

    def copy(self, image: Image, region: str, plan: Plan, context: Context) -> Image:
        """The image in another region, whole and usable there. Not public yet: that is `publish`."""
        raise NotImplementedError

    def publish(self, image: Image, channels: tuple[str, ...], context: Context) -> None:
        """Let its users have it: share it, point the channels' names to it. Doing it twice changes nothing."""

    def withdraw(self, image: Image, context: Context) -> None:
        """Take back what `publish` gave. The image stays. Doing it twice changes nothing."""
