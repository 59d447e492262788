"""What a platform does: a machine is born on it and becomes an image."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..context import Context
from ..image import Drive, Image, Size
from ..layers import Layer
from ..machine import Machine
from ..plugin import Options, Plugin

if TYPE_CHECKING:
    from ..bases.base import Base
    from ..plan import Plan


class Platform(Plugin):
    """A DiskPlatform or a NativePlatform."""

    Options: ClassVar[type[Options]]
    makes: ClassVar[bool] = True
    """False: its images come with the release, and are only launched and checked."""

    @abstractmethod
    def launch(self, base: Image, size: Size, network: str, context: Context) -> AbstractContextManager[Machine]:
        """A machine started from the base, reachable as root; gone on every way out of the `with` block.

        `network` is "outside" (the internet, not the host nor metadata addresses) or "none". A machine that
        does not answer before the context's deadline is a BuildError that says how far it came.
        """

    def sweep(self, build: str, work: Path) -> None:
        """Remove whatever a killed worker left behind of this build on this host; `work` is its folder.

        Does nothing when there is nothing.
        """


class LayeredPlatform(Platform):
    """Its machines' states can be kept, and a machine can go on from one. Every one of its errors costs only time."""

    worth: ClassVar[float] = 3.0
    """Seconds of work that are worth a layer: some times what saving and resuming one costs."""

    @abstractmethod
    def shape(self, base: Image, size: Size, network: str, context: Context) -> Mapping[str, str]:
        """What else a state depends on, by name: the machine's devices, the emulator's version, the processor."""

    @abstractmethod
    def save(self, machine: Machine, folder: Path, former: Layer | None, context: Context) -> Mapping[str, Any]:
        """Put the machine's present state into the empty folder and return the layer's details; the machine goes on.

        `former` is the layer that it was resumed from or that was saved last, if any: what is new since is enough.
        Whatever goes wrong, the machine goes on as if nothing had been asked.
        """

    @abstractmethod
    def resume(
        self, layer: Layer, base: Image, size: Size, network: str, context: Context
    ) -> AbstractContextManager[Machine]:
        """A machine in the layer's state, as `launch` would give one. No two that go on from one layer are twins:
        the clock is right, keys, the machine's id and what random numbers come from are its own.

        Raises Unresumable when the layer is of no use any more: it is dropped. After a BuildError or WorkerError,
        for want of memory for instance, the build starts anew and the layer stays.
        """


class DiskPlatform(Platform):
    """Its machines start from the template's base and leave a disk, of which any file format can be made."""

    @abstractmethod
    def capture(self, machine: Machine, context: Context) -> Image:
        """Leave nothing of ours in the machine, shut it down cleanly, and return its disk (format "disk")."""

    @abstractmethod
    def boot(
        self, drive: Drive, size: Size, context: Context, *, network: str = "outside"
    ) -> AbstractContextManager[Machine]:
        """A throw-away machine from a finished image, for the checks; reached as its user would reach it."""


class NativePlatform(Platform):
    """It has a starting point of its own (an AMI, a template, a box) and makes its own kind of image from a machine."""

    formats: ClassVar[tuple[str, ...]]
    """The names of the formats that it makes; the first one is made when a template asks for none."""

    @property
    @abstractmethod
    def base(self) -> Base:
        """What its machines start from, in the place of the template's base."""

    def making(self, formats: Sequence[str]) -> Self:
        """The same platform, told which of its formats it will make."""
        return self

    def flaws(self, formats: Sequence[str], network: str) -> Iterator[str]:
        """What is wrong with asking it for these formats on this network: found when the template is read."""
        yield from ()

    def preflight(self, plan: Plan, context: Context) -> None:
        """Before anything is started: is there what the build needs outside, and is no name taken? Only looks.

        Raises BuildError with everything that it found.
        """

    @abstractmethod
    def steps(self, plan: Plan) -> Sequence[str]:
        """The titles of the steps of `images`, in order."""

    @abstractmethod
    def images(self, machine: Machine, plan: Plan, folder: Path, context: Context) -> Mapping[str, Image]:
        """Leave nothing of ours in the machine, shut it down cleanly, and make the plan's formats, keyed by name.

        Opens a step for each title of `steps`. `folder` is for images that are files.
        """

    @abstractmethod
    def boot_image(
        self, image: Image, size: Size, context: Context, *, network: str = "outside"
    ) -> AbstractContextManager[Machine]:
        """A throw-away machine from a finished image, for the checks; reached as its user would reach it."""
