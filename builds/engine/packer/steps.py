"""The new template's provisioners."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import selection
from .machines import Machine
from .model import Build, Component
from .options import Conversion, Options
from .provisioners import NO_SUCH, PROVISIONERS, REASONS, Guest
from .values import Given

PACKERS_VARIABLES = ("PACKER_BUILDER_TYPE", "PACKER_BUILD_NAME", "PACKER_HTTP_ADDR")


@dataclass(frozen=True)
class Step:
    """A provisioner of the new template, and what it comes from."""

    entry: dict[str, Any]
    origin: Component


def steps(build: Build, machines: Sequence[Machine], conversion: Conversion) -> list[Step]:
    firsts = [machine.first for machine in machines]
    logins = {machine.target.login for machine in machines}
    guest = Guest(logins.pop() if len(logins) == 1 else "root")
    if len(firsts) == 1:
        name, kind = firsts[0].name, firsts[0].type
        conversion.evaluator.facts = {"name": name, "Name": name, "type": kind, "Type": kind, "User": guest.login}
    made = [Step(entry, each) for each in build.provisioners for entry in _entries(each, firsts, guest, conversion)]
    _say_what_scripts_lack(made, firsts, conversion)
    return made


def _entries(
    component: Component, firsts: list[Component], guest: Guest, conversion: Conversion
) -> list[dict[str, Any]]:
    notes = conversion.notes
    make = PROVISIONERS.get(component.type)
    if make is None:
        notes.left_out(component.place, component.path, REASONS.get(component.type, NO_SUCH), what=component.type)
        return []
    options = conversion.options(component)
    options = _overridden(options, firsts)
    for_these = [each for each in firsts if selection.applies(options, each)]
    if len(for_these) < len(firsts):
        others = " and ".join(each.name for each in firsts if each not in for_these)
        todo = "If it shall run all the same, add it again; scripts can look at where they run."
        why = f"It is not for {others}, and provisioners run on all of a template's machines."
        notes.left_out(component.place, component.path, why, todo, what=component.type)
        return []
    if not firsts:
        notes.left_out(component.place, component.path, "There is no machine for it.", what=component.type)
        return []
    options.not_needed("only", "except", why="They name the builders that are taken over.")
    return make(options, guest)


def _overridden(options: Options, firsts: list[Component]) -> Options:
    """With what `override` says for the one builder that the machine comes from."""
    given = options.take("override")
    if given is None:
        return options
    mine = given.value if isinstance(given.value, dict) else {}
    over: dict[str, Given] = {}
    for name, each in mine.items():
        if len(firsts) == 1 and name in selection.names(firsts[0]) and isinstance(each.value, dict):
            over.update(each.value)
        else:
            path = f"{options.path}.override.{name}"
            options.notes.left_out(each.place, path, "It is for a builder that is left out, or not the only one.")
    return options.over(over)


def _say_what_scripts_lack(made: Sequence[Step], firsts: Sequence[Component], conversion: Conversion) -> None:
    """Packer gives every script a few variables; what stands in the template can be looked through for them."""
    for step in made:
        shell = step.entry.get("shell", {})
        used = [name for name in PACKERS_VARIABLES if name in shell.get("inline", "")]
        if used:
            todo = f"Set {' and '.join(used)} in its `env`, or take it out of the script."
            why = "Slipway's scripts get no variables of Packer's."
            conversion.notes.to_do(step.origin.place, step.origin.path, why, todo, what=", ".join(used))
    if scripts := [step for step in made if "script" in step.entry.get("shell", {})]:
        first = scripts[0].origin
        why = f"Packer gives scripts {', '.join(PACKERS_VARIABLES)}; Slipway does not."
        todo = (
            f"Where a script reads them, set them in its `env` (they were {', '.join(each.type for each in firsts)})."
        )
        conversion.notes.changed(first.place, first.path, why, todo, what="scripts")
