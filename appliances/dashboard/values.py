"""A release's own values: a field for each variable that its template declares."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from appliances.values import texts
from builds.engine.template import Setting, Variable, settings, settle
from builds.outline import Place, Reading

PREFIX = "value-"


@dataclass(frozen=True)
class ValueField:
    """One field, as the page shows it."""

    name: str
    text: str
    otherwise: Setting | None
    """What the variable is when the field is left empty; None when the template declares no such variable."""
    error: str = ""

    @property
    def about(self) -> Variable | None:
        return self.otherwise.about if self.otherwise else None

    @property
    def input_name(self) -> str:
        return f"{PREFIX}{self.name}"

    @property
    def has_lines(self) -> bool:
        return "\n" in self.text

    @property
    def choices(self) -> tuple[str, ...]:
        if self.about is None:
            return ()
        return ("true", "false") if self.about.type == "boolean" else self.about.options


def posted(data: Mapping[str, str]) -> dict[str, str]:
    """What is filled in; an empty field takes the value from elsewhere."""
    given = {name.removeprefix(PREFIX): text for name, text in data.items() if name.startswith(PREFIX) and text}
    return {name: text.replace("\r\n", "\n") for name, text in given.items()}


def shown(data: Mapping[str, str]) -> set[str]:
    """The variables that the posted page has fields for."""
    return {name.removeprefix(PREFIX) for name in data if name.startswith(PREFIX)}


def fields(read: Reading, place: Place, given: Mapping[str, Any]) -> list[ValueField]:
    """For what the template declares, and for what the release gives to nothing, so that it can be emptied."""
    given = texts(given)
    wrong = [each for each in read.problems if each.path.startswith("values.")]
    errors = {each.path.removeprefix("values."): each.message for each in wrong}
    otherwise = {each.name: each for each in without_release(read, place)}
    return [
        ValueField(name, given.get(name, ""), otherwise.get(name), errors.get(name, ""))
        for name in dict.fromkeys([*otherwise, *given])
    ]


def without_release(read: Reading, place: Place) -> list[Setting]:
    """What the variables are where the release has no value of its own."""
    if read.template is None:
        return []
    settled = settle(read.template, [each for each in place.offers if each.origin != "release"])
    every = settings(read.template, settled.values, settled.origins)
    return [each for each in every if not each.about.secret]
