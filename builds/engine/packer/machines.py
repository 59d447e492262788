"""Which platforms the new template has, and which of Packer's builders each comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from . import selection
from .builders import BUILDERS, Target, other
from .model import Build, Component
from .notes import Notes
from .options import Conversion


@dataclass(frozen=True)
class Machine:
    """A platform and its builders: the first says what the machine is, others only add formats."""

    target: Target
    builders: tuple[Component, ...]

    @property
    def first(self) -> Component:
        return self.builders[0]


def name_of(entry: Any) -> str:
    """Of a format, with or without options."""
    return str(next(iter(entry)) if isinstance(entry, dict) else entry)


def machines(build: Build, only: Sequence[str], conversion: Conversion) -> list[Machine]:
    """The platforms, each with the builders whose machine it is: the first of them says what the machine is."""
    notes = conversion.notes
    for place, name in build.missing:
        notes.left_out(place, f"{build.path}.sources", f"The source {name!r} is declared in none of the files.")
    meant = [each for each in build.builders if selection.wanted(each, build, only)]
    for each in build.builders:
        if each not in meant:
            notes.left_out(each.place, each.path, "It was not asked for.", what=each.type)
    found: list[Machine] = []
    for builders in selection.by_platform(meant).values():
        first, *rest = builders
        target = BUILDERS[first.type](conversion.options(first), first.type)
        while target is None and rest:
            first, *rest = rest
            target = BUILDERS[first.type](conversion.options(first), first.type)
        if target is not None:
            found.append(Machine(target, (first, *_same_machine(target, first, rest, conversion))))
    for each in [each for each in meant if each.type not in BUILDERS]:
        if found:
            notes.left_out(each.place, each.path, f"Slipway has no builder `{each.type}`.", what=each.type)
        elif target := other(conversion.options(each), each.type):
            found.append(Machine(target, (each,)))
    return found


def _same_machine(target: Target, first: Component, rest: list[Component], conversion: Conversion) -> list[Component]:
    """Builders of other kinds mean the same machine, in one more format; a second one of a kind another machine."""
    merged: list[Component] = []
    for each in rest:
        if each.type in {one.type for one in (first, *merged)}:
            todo = f"Import it by itself: only {each.type}.{each.name}."
            why = f"It makes another machine than {first.name}, and a template makes one."
            conversion.notes.left_out(each.place, each.path, why, todo, what=each.type)
            continue
        quiet = replace(conversion, notes=Notes())
        more = BUILDERS[each.type](quiet.options(each), each.type)
        if more is None:
            conversion.notes.left_out(each.place, each.path, "Its machine runs Windows.", what=each.type)
            continue
        target.formats += [one for one in more.formats if name_of(one) not in map(name_of, target.formats)]
        target.boxes += [box for box in more.boxes if box not in target.boxes]
        merged.append(each)
        why = f"It makes the same machine as {first.name}, whose options hold; it is one more format of that machine."
        conversion.notes.changed(each.place, each.path, why, what=each.type)
    return merged
