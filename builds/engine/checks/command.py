"""Runs a command in the machine and looks at how it ends."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from .. import plugin
from ..context import Context
from ..errors import CheckFailed, TimedOut
from ..machine import Machine
from ..quantities import Duration
from .base import Check
from .retry import within


class Command(Check):
    """Runs a command in the machine; it must end with the exit code that is asked for."""

    name: ClassVar[str] = "command"
    label: ClassVar[str] = "Command"

    class Options(plugin.Options):
        run: str = Field(min_length=1)
        """A line of sh."""
        exit_code: int = Field(0, ge=0, le=255)
        """How it must end."""
        contains: str = ""
        """A text that its output must contain."""
        user: str = Field("root", pattern=r"^[a-z_][a-z0-9_-]{0,31}$")
        """Who runs it."""
        within: Duration = 60
        """Tried again for this long, since services take a moment after boot."""

    @property
    def title(self) -> str:
        run = self.options.run.strip().splitlines()[0]
        return f"command: {run}" if len(run) <= 80 else f"command: {run[:79]}…"

    def check(self, machine: Machine, context: Context) -> str:
        return within(self.options.within, context, lambda: self._look(machine, context))

    def _look(self, machine: Machine, context: Context) -> str:
        limit = max(10.0, self.options.within)
        try:
            finished = machine.run(self.options.run, context, user=self.options.user, timeout=limit, quiet=True)
        except TimedOut:
            context.check()  # not ours, but the build's limit?
            raise CheckFailed(
                f"it still ran after {limit:.0f} s", hint="Raise `within` if it needs that long."
            ) from None
        said = context.redact(finished.output).strip()
        if finished.exit_code != self.options.exit_code:
            raise CheckFailed(f"exit code {finished.exit_code}, expected {self.options.exit_code}" + _quote(said))
        if self.options.contains not in finished.output:
            raise CheckFailed(f"the output does not contain {self.options.contains!r}" + _quote(said))
        last = said.splitlines()[-1][:200] if said else ""
        return f"exit code {finished.exit_code}" + (f": {last}" if last else "")


def _quote(said: str) -> str:
    return f":\n{said[-1000:]}" if said else ", and it said nothing"
