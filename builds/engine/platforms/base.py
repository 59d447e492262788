"""What a platform does: a machine is born on it and becomes an image."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import ClassVar

from ..context import Context
from ..image import Drive, Image, Size
from ..machine import Machine
from ..plugin import Options, Plugin


class Platform(Plugin):
    Options: ClassVar[type[Options]]

    @abstractmethod
    def launch(self, base: Image, size: Size, network: str, context: Context) -> AbstractContextManager[Machine]:
        """A machine started from the base, reachable as root; gone on every way out of the `with` block.

        `network` is "outside" (the internet, not the host nor metadata addresses) or "none". A machine that
        does not answer before the context's deadline is a BuildError that says how far it came.
        """

    @abstractmethod
    def capture(self, machine: Machine, context: Context) -> Image:
        """Leave nothing of ours in the machine, shut it down cleanly, and return its disk (format "disk")."""

    @abstractmethod
    def boot(
        self, drive: Drive, size: Size, context: Context, *, network: str = "outside"
    ) -> AbstractContextManager[Machine]:
        """A throw-away machine from a finished image, for the checks; reached as its user would reach it."""

    @abstractmethod
    def sweep(self, build: str, work: Path) -> None:
        """Remove whatever a killed worker left behind of this build; `work` is the folder that it worked in.

        Does nothing when there is nothing.
        """
