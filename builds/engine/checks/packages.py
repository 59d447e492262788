"""Looks at what the package manager says is installed."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from .. import plugin
from ..context import Context
from ..errors import CheckFailed
from ..machine import Machine
from .base import Check
from .evidence import packages


class Packages(Check):
    """Packages that must be installed, and others that must not be."""

    name: ClassVar[str] = "packages"
    label: ClassVar[str] = "Packages"

    class Options(plugin.Options):
        installed: tuple[str, ...] = ()
        """Names of packages that must be there."""
        absent: tuple[str, ...] = ()
        """Names of packages that must not be there."""

        @model_validator(mode="after")
        def some(self) -> Self:
            if not (self.installed or self.absent):
                raise ValueError("needs `installed` or `absent`: lists of package names")
            return self

    @property
    def title(self) -> str:
        present = ", ".join(self.options.installed)
        absent = ", ".join(f"no {name}" for name in self.options.absent)
        return "packages: " + ", ".join(part for part in (present, absent) if part)

    def check(self, machine: Machine, context: Context) -> str:
        found = packages(machine, context)
        if not found:
            raise CheckFailed("the machine has none of dpkg, rpm and apk", hint="Use a `command` check on this system.")
        missing = [name for name in self.options.installed if name not in found]
        unwanted = [f"{name} {found[name]}" for name in self.options.absent if name in found]
        seen = [f"not installed: {', '.join(missing)}"] if missing else []
        seen += [f"installed, but must not be: {', '.join(unwanted)}"] if unwanted else []
        if seen:
            raise CheckFailed("; ".join(seen), hint="Correct the provisioner that installs packages, or this check.")
        return ", ".join(f"{name} {found[name]}" for name in self.options.installed) or "none of them is installed"
