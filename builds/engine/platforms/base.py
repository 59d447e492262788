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

BOOT_LIMIT = 600.0  # seconds until a machine has to answer


class Platform(Plugin):
    Options: ClassVar[type[Options]]

    @abstractmethod
    def launch(
        self, base: Image, size: Size, network: str, context: Context, *, limit: float = BOOT_LIMIT
    ) -> AbstractContextManager[Machine]:
        """A machine started from the base, reachable as root. It is gone on every way out of the `with` block.

        `network` is "outside" (the internet, not the host nor metadata addresses) or "none". A machine that does not
        answer within `limit` seconds is a BuildError that says how far it came.
        """

    @abstractmethod
    def capture(self, machine: Machine, context: Context) -> Image:
        """Leave nothing of ours in the machine, shut it down cleanly, and return its disk (format "disk")."""

    @abstractmethod
    def boot(
        self,
        drive: Drive,
        size: Size,
        context: Context,
        *,
        network: str = "outside",
        limit: float = BOOT_LIMIT,
    ) -> AbstractContextManager[Machine]:
        """A throw-away machine from a finished image, for the checks; reached as its user would reach it."""

    @abstractmethod
    def sweep(self, build: str, work: Path) -> None:
        """Remove whatever a killed worker left behind of this build, its work folder included.

        Does nothing when there is nothing.
        """
