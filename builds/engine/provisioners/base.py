"""What a provisioner does: it changes a machine."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Set
from typing import ClassVar

from ..context import Context
from ..machine import Machine
from ..plugin import Options, Plugin


class ProvisionerOptions(Options):
    """What every provisioner can be told."""

    cache: bool | None = None
    """Whether the machine's state after it is kept, so that later builds need not do it again while nothing has
    changed. Without it: when it took longer than a few seconds, in clouds than a minute. `false`: it runs in every
    build, and so does whatever comes after it."""


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

    def variables_read(self, context: Context) -> Set[str]:
        """The names of the variables that it passes on to the machine: a change of one changes what comes out."""
        return context.variables.keys()

    def fetches(self, context: Context) -> bool:
        """May it bring something from outside, packages for instance, that is another one next week?"""
        return True
