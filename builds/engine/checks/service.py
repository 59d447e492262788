"""Asks systemd in the machine about a service."""

from __future__ import annotations

from shlex import quote
from typing import ClassVar

from pydantic import Field

from .. import plugin
from ..context import Context
from ..errors import CheckFailed
from ..machine import Machine
from ..quantities import Duration
from .base import Check
from .retry import within


class Service(Check):
    """The systemd service is running."""

    name: ClassVar[str] = "service"
    label: ClassVar[str] = "Service"

    class Options(plugin.Options):
        name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9:_.@\\-]*$", max_length=255)
        """Its unit: `nginx` or `nginx.service`."""
        enabled: bool = False
        """It must also be set to start at every boot."""
        within: Duration = 60
        """Tried again for this long, since services take a moment after boot."""

    @property
    def title(self) -> str:
        return f"service: {self.options.name} is active" + (" and enabled" if self.options.enabled else "")

    def check(self, machine: Machine, context: Context) -> str:
        return within(self.options.within, context, lambda: self._look(machine, context))

    def _look(self, machine: Machine, context: Context) -> str:
        unit = quote(self.options.name)
        active = machine.run(f"systemctl is-active {unit}", context, quiet=True)
        if active.exit_code == 127:
            raise CheckFailed("the machine has no systemctl", hint="Use a `command` or `port` check on this system.")
        if active.exit_code:
            status = machine.run(f"systemctl status --no-pager --lines=10 {unit}", context, quiet=True).output
            said = context.redact(status).strip()[-1500:]
            raise CheckFailed(
                f"{self.options.name} is {active.output.strip() or 'unknown'}:\n{said}",
                hint="The lines above are what systemd kept of its last start.",
            )
        if not self.options.enabled:
            return "active"
        enabled = machine.run(f"systemctl is-enabled {unit}", context, quiet=True)
        if enabled.exit_code:
            raise CheckFailed(
                f"{self.options.name} is active but {enabled.output.strip()}",
                hint=f"Add `systemctl enable {self.options.name}` to a shell provisioner.",
            )
        return f"active and {enabled.output.strip()}"
