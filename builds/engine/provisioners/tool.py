"""A tool that a provisioner needs in the machine: found there, or installed and removed again."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from shlex import join, quote
from typing import Annotated

from pydantic import Field

from ..context import Context
from ..errors import BuildError
from ..machine import Machine
from .base import ProvisionerOptions

# Makers' own packages put their programs where no PATH leads.
FOLDERS = "/opt/puppetlabs/bin:/opt/chef/bin:/opt/cinc/bin"
LOCALE = {"LC_ALL": "C.UTF-8"}
"""For the tool's own run: in any other, it does not read UTF-8."""
APT = (
    "DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 "
    # A machine that crashes is thrown away; waiting for its disk after each file is not worth the time.
    "-o Dpkg::Options::=--force-unsafe-io -o Acquire::Languages=none"
)
PackageName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9+.:=~/_-]*$")]


class ToolOptions(ProvisionerOptions):
    install: bool = True
    """Install the tool when the machine does not have it: by apt-get, without recommended packages. `false`: it must
    be there."""
    remove: bool = False
    """Afterwards, remove what was installed for it. A tool that was there before stays."""


@dataclass(frozen=True)
class Tool:
    path: str
    brought: frozenset[str] = frozenset()
    """The packages that were installed for it."""


def provide(
    programs: Sequence[str], packages: Sequence[str], options: ToolOptions, machine: Machine, context: Context
) -> Tool:
    """The first of these programs that the machine has; if it has none, what the packages bring."""
    if path := find(programs, machine, context):
        return Tool(path)
    if not options.install:
        raise BuildError(
            f"The machine has no {programs[0]}, and `install` is false.",
            hint="Install it in a provisioner before this one, or leave `install` out.",
        )
    if not find(["apt-get"], machine, context):
        raise BuildError(
            f"The machine has no {programs[0]}, and no apt-get to install it with.",
            hint="Install it in a shell provisioner before this one.",
        )
    before = _installed(machine, context)
    context.console.write(f"Installing {', '.join(packages)} …\n")
    command = f"{APT} update && {APT} install --no-install-recommends {join(packages)}"
    machine.expect(command, context, quiet=False, hint="Does the machine reach its package mirror? See `network`.")
    if path := find(programs, machine, context):
        return Tool(path, _installed(machine, context) - before)
    raise BuildError(
        f"{' and '.join(packages)} did not bring {' or '.join(programs)}.",
        hint="`packages` names what to install for it.",
    )


def remove(
    tool: Tool,
    packages: Sequence[str],
    traces: Collection[str],
    machine: Machine,
    context: Context,
    keep: Collection[str] = (),
) -> None:
    """Take away what was brought for the tool alone, `keep` excepted, and the folders that it kept its things in."""
    if not tool.brought:
        return
    if kept := sorted(tool.brought.intersection(keep)):
        machine.expect(f"apt-mark manual {join(kept)}", context)
    names = join(sorted(tool.brought.intersection(packages) - set(keep)))
    # What else nobody needs is not ours to remove: only what came with the tool.
    unneeded = machine.expect(f"{APT} --simulate purge --autoremove {names}", context)
    gone = tool.brought.intersection(re.findall(r"^(?:Purg|Remv) (\S+)", unneeded, re.MULTILINE))
    context.console.write(f"Removing {', '.join(sorted(gone))} …\n")
    machine.expect(f"{APT} purge {join(sorted(gone))}", context)
    machine.expect(f"rm -rf {join(traces)}", context)


def find(programs: Sequence[str], machine: Machine, context: Context) -> str:
    """Where the first of them is; empty: none is there."""
    looks = " || ".join(f"command -v {quote(program)}" for program in programs)
    return machine.expect(f'PATH="$PATH:{FOLDERS}"; {looks} || :', context).strip()


def _installed(machine: Machine, context: Context) -> frozenset[str]:
    said = machine.expect("dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\\n'", context)
    return frozenset(line.split()[-1] for line in said.splitlines() if line.startswith("ii"))
