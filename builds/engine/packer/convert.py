"""A Packer template becomes appliance.yaml, and an account of what it could not become."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..template.registry import REGISTRY, Registry
from . import from_hcl, from_json, post_processors, selection
from .checking import Draft, checked
from .errors import Unreadable
from .evaluate import Evaluator
from .machines import Machine, machines, name_of
from .model import Build, Model
from .model import Variable as Declared
from .notes import Kind, Note, Notes, Place
from .options import Conversion
from .steps import steps
from .variables import Variables

LENGTH = {"JSON": 2**20, "HCL2": 2**18}
"""Characters of all files together."""
FILES = 100
SECRET = re.compile(r"passw|secret|token|private_?key|access_?key|api_?key", re.IGNORECASE)


@dataclass(frozen=True)
class Imported:
    template: str | None
    """appliance.yaml, which parses. None: nothing of use came out."""
    notes: tuple[Note, ...]


def convert(files: Mapping[str, str], only: Sequence[str] = (), registry: Registry = REGISTRY) -> Imported:
    """Raises Unreadable when it is no Packer template.

    `files`: one JSON file, or all HCL2 files of a folder, by name. `only`: the builders that are meant, named as for
    Packer's `-only`; all, if it is empty.
    """
    model, notes = read(files), Notes()
    for place, path, why in model.aside:
        notes.left_out(place, path, why)
    for place, path, why in model.not_needed:
        notes.add(Kind.NOT_NEEDED, place, path, why)
    _find_secrets(model, notes)
    evaluator = Evaluator(model)
    conversion = Conversion(model, evaluator, notes, Variables(model, evaluator, notes), registry)
    build = selection.chosen_build(model, only)
    if build is None:
        _without_builders(model, Place(next(iter(files)), 1), only, notes)
        return Imported(None, notes.listed())
    made = machines(build, only, conversion)
    _leave_other_builds(model, build, notes)
    provisioners = steps(build, made, conversion)
    post_processors.formats(build, made, conversion)
    made = _each_format_once(made, notes)
    sections = _sections(made, conversion.variables.declarations())
    draft = Draft(sections, provisioners, ", ".join(files), build.place)
    return Imported(checked(draft, notes, registry) if made else None, notes.listed())


def read(files: Mapping[str, str]) -> Model:
    """The model of one JSON file, or of HCL2 files. Raises Unreadable."""
    if not 0 < len(files) <= FILES:
        raise Unreadable(f"Expected one JSON file, or up to {FILES} HCL2 files.")
    in_json = [
        name for name, text in files.items() if name.endswith(".json") or text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")
    ]
    kind = "JSON" if in_json else "HCL2"
    if sum(map(len, files.values())) > LENGTH[kind]:
        raise Unreadable(
            f"It is too long: at most {LENGTH[kind]:,} characters of {kind} are read.", file=next(iter(files))
        )
    if not in_json:
        return from_hcl.read(files)
    if len(files) > 1:
        raise Unreadable("A template in JSON is one file.", hint=f"Import them one by one: {', '.join(files)}.")
    return from_json.read(files[in_json[0]], in_json[0])


def _find_secrets(model: Model, notes: Notes) -> None:
    """Variables that are secret by their name, and whose value nobody wrote down."""
    for name, each in model.variables.items():
        if SECRET.search(name) and not each.sensitive and name not in model.values and _is_empty(each):
            model.variables[name] = replace(each, sensitive=True)
            notes.changed(each.place, f"variables.{name}", "By its name it is a secret, so it became one.")


def _is_empty(declared: Declared) -> bool:
    """Without a default, or with one that only an environment knows."""
    node = declared.default
    if node is None:
        return True
    if node.kind == "call":
        return bool(node.args[0] == "env")
    parts = node.args if node.kind == "text" else (node,)
    return all(part.kind == "template" and re.fullmatch(r"|\{\{\s*env\s.*\}\}", part.args[0]) for part in parts)


def _without_builders(model: Model, place: Place, only: Sequence[str], notes: Notes) -> None:
    known = sorted({f"{each.type}.{each.name}" for build in model.builds for each in build.builders})
    if known:
        why = f"No builder is called {' or '.join(only)}; there are: {', '.join(known)}."
    else:
        why = "It has no builder, so it makes no machine."
    notes.to_do(place, "builders", why, "Import all files that belong together at once.")
    for each in model.variables.values():
        notes.left_out(each.place, f"variables.{each.name}", "Without a builder nothing uses it.")
    for build in model.builds:
        missing = [f"{path}" for _, path in build.missing]
        if missing:
            notes.left_out(build.place, f"{build.path}.sources", f"None of the files declares {', '.join(missing)}.")
        for component in [*build.provisioners, *(one for chain in build.post_processors for one in chain)]:
            notes.left_out(
                component.place, component.path, "Without a builder there is no machine for it.", what=component.type
            )


def _leave_other_builds(model: Model, build: Build, notes: Notes) -> None:
    for each in model.builds:
        if each is not build:
            named = ", ".join(f"{one.type}.{one.name}" for one in each.builders)
            todo = f"Import it by itself: only {named}." if named else ""
            notes.left_out(each.place, each.path, "A template is one build.", todo, what=each.name)


def _each_format_once(made: Sequence[Machine], notes: Notes) -> list[Machine]:
    """A template has one image of each format: the first platform that makes it keeps it."""
    seen: set[str] = set()
    kept = []
    for machine in made:
        target = machine.target
        names = [name_of(each) for each in target.formats]
        target.formats = [each for each, name in zip(target.formats, names, strict=True) if name not in seen]
        if twice := [name for name in names if name in seen]:
            why = f"{' and '.join(twice)} comes from another platform already, and a template makes each format once."
            notes.left_out(machine.first.place, machine.first.path, why, what=machine.first.type)
        if target.formats:
            kept.append(machine)
        seen.update(names)
    return kept


def _sections(made: Sequence[Machine], variables: Mapping[str, Any]) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    for machine in made:
        target = machine.target
        if target.base is not None:
            sections["base"] = target.base
        sections["size"] = {**target.size, **sections.get("size", {})}
    if variables:
        sections["variables"] = dict(variables)
    sections["platforms"] = {
        machine.target.platform: {**machine.target.options, "formats": machine.target.formats} for machine in made
    }
    return {key: value for key, value in sections.items() if value}
