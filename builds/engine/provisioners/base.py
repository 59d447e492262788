"""What a provisioner does: it changes a machine."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from ..context import Context
from ..machine import Machine
from ..plugin import Options, Plugin


class Provisioner(Plugin):
    Options: ClassVar[type[Options]]

    @property
    @abstractmethod
    def title(self) -> str:
        """What the step is called on the build page: "shell: scripts/install.sh"."""

    @abstractmethod
    def provision(self, machine: Machine, context: Context) -> None:
        """Do it. Raises BuildError with a hint when the machine does not end as asked."""

    @abstractmethod
    def files(self) -> tuple[str, ...]:
        """The paths in the source that it reads: they must exist, and their content belongs to the digest."""
