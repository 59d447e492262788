"""Connects to a port of the machine from outside."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .. import plugin
from ..context import Context
from ..errors import CheckFailed
from ..machine import Machine
from ..quantities import Duration
from .base import Check
from .retry import within


class Port(Check):
    """Connects to a TCP port from outside the machine."""

    name: ClassVar[str] = "port"
    label: ClassVar[str] = "Port"

    class Options(plugin.Options):
        port: int = Field(ge=1, le=65535)
        """TCP port."""
        closed: bool = False
        """The other way round: nothing may listen there."""
        within: Duration = 60
        """Tried again for this long, since services take a moment after boot; `closed` is looked at once."""

    @property
    def title(self) -> str:
        return f"port: {self.options.port} is {'closed' if self.options.closed else 'open'}"

    def check(self, machine: Machine, context: Context) -> str:
        if not self.options.closed:
            return within(self.options.within, context, lambda: self._look(machine))
        try:
            self._look(machine)
        except CheckFailed as failure:
            return failure.message
        raise CheckFailed(
            f"something answers on port {self.options.port}",
            hint="Stop and disable the service that listens there, or bind it to 127.0.0.1.",
        )

    def _look(self, machine: Machine) -> str:
        try:
            machine.connect(self.options.port).close()
        except OSError as error:
            raise CheckFailed(
                f"nothing answers on port {self.options.port}: {error.strerror or error}",
                hint="See that the service starts at boot and does not listen on 127.0.0.1 only.",
            ) from None
        return f"port {self.options.port} accepts connections"
