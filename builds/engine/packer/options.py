"""A component's options, taken one by one: whatever nobody took or explained is reported in the end."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..template.registry import Registry
from .evaluate import Evaluator
from .model import Component, Model
from .notes import Notes, Place
from .values import Given, Unknown, shown
from .variables import Variables, Where

NOTHING_LIKE_IT = "Slipway has nothing that does the same."
PACKERS_OWN = "They say how Packer reaches, runs and stops its machine; Slipway does that in its own way."


@dataclass(frozen=True)
class Conversion:
    """What all parts of one import share."""

    model: Model
    evaluator: Evaluator
    notes: Notes
    variables: Variables
    registry: Registry

    def options(self, component: Component) -> Options:
        return Options(self.evaluator.options(component.options), component.place, component.path, self)


class Options:
    def __init__(self, given: Mapping[str, Given], place: Place, path: str, conversion: Conversion) -> None:
        self._given = given
        self._left = dict.fromkeys(given)
        self.place = place
        self.path = path
        self.conversion = conversion
        self.notes = conversion.notes

    def over(self, more: Mapping[str, Given]) -> Options:
        """The same with other values over its own."""
        left = {key: given for key, given in self._given.items() if key in self._left}
        return Options({**left, **more}, self.place, self.path, self.conversion)

    def __contains__(self, key: str) -> bool:
        return key in self._given

    def at(self, key: str) -> tuple[Place, str]:
        """Where it stands, for a note."""
        given = self._given.get(key)
        return (given.place if given else self.place), f"{self.path}.{key}"

    def take(self, key: str) -> Given | None:
        """The value as it is; accounted for by whoever takes it."""
        self._left.pop(key, None)
        return self._given.get(key)

    def peek(self, key: str) -> Any:
        """What it comes to, without taking it."""
        return self.conversion.evaluator.glimpse(self._given[key]) if key in self._given else None

    def constant(self, key: str) -> Any:
        """What it comes to with the variables' defaults. None, and a note, when nobody can say."""
        given = self.take(key)
        return None if given is None else self._known(key, self.conversion.evaluator.settled(given), given.unknown)

    def text(self, key: str, where: Where = Where.PLAIN) -> str | None:
        """The text with its placeholders. None, and a note, when nobody can say; None too when it is empty."""
        given = self.take(key)
        if given is None:
            return None
        value = self.conversion.variables.written(given, where)
        return self._known(key, value) or None

    def texts(self, key: str, where: Where = Where.PLAIN) -> list[str]:
        """The texts of a list, or of a single text; those that nobody knows are noted and left out."""
        found = []
        for given in self.items(key):
            value = self._known(key, self.conversion.variables.written(given, where))
            if value is not None:
                found.append(value)
        return found

    def items(self, key: str) -> list[Given]:
        given = self.take(key)
        if given is None or given.value is None:
            return []
        return given.value if isinstance(given.value, list) else [given]

    def mapping(self, key: str, where: Where = Where.PLAIN) -> dict[str, str]:
        given = self.take(key)
        value = self._known(key, given.value) if given else None
        if not isinstance(value, dict):
            return {}
        written = {
            name: self._known(f"{key}.{name}", self.conversion.variables.written(each, where))
            for name, each in value.items()
        }
        return {name: each for name, each in written.items() if each is not None}

    def number(self, key: str) -> int | None:
        value = self.constant(key)
        if value in (None, ""):
            return None
        try:
            return int(float(str(value)[:30]))
        except (ValueError, OverflowError):
            self.notes.left_out(*self.at(key), f"{shown(value)[:40]!r} is no number.")
            return None

    def flag(self, key: str) -> bool:
        return shown(self.constant(key)).lower() in ("true", "1", "yes")

    def blocks(self, key: str) -> list[Options]:
        """Nested mappings: one, or a list of them."""
        found = []
        for n, given in enumerate(self.items(key)):
            value = self._known(key, given.value)
            path = f"{self.path}.{key}"
            if isinstance(value, dict):
                found.append(Options(value, given.place, f"{path}.{n}" if n else path, self.conversion))
            elif value is not None:
                self.notes.left_out(given.place, path, "A mapping is expected here.")
        return found

    def not_needed(self, *patterns: str, why: str = PACKERS_OWN) -> None:
        """Keys that say nothing about the image, in one note."""
        self.notes.not_needed(self.place, self.path, self._matching(patterns), why)

    def leave(self, reasons: Mapping[str, str], todo: str = "") -> None:
        """Keys that are not taken over, by pattern, with the reason."""
        for pattern, why in reasons.items():
            for key in self._matching([pattern]):
                self.notes.left_out(*self.at(key), why, todo)

    def finish(self, why: str = NOTHING_LIKE_IT) -> None:
        """Whatever is left now was not taken over."""
        for key in self._matching(["*"]):
            if not key.startswith("_"):
                self.notes.left_out(*self.at(key), why)

    def _matching(self, patterns: Iterable[str]) -> list[str]:
        found = [key for key in self._left if any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns)]
        for key in found:
            del self._left[key]
        return found

    def _known(self, key: str, value: Any, reason: str = "") -> Any:
        if isinstance(value, Unknown):
            reason = value.reason
        if reason:
            place, path = self.at(key)
            self.notes.left_out(place, path, f"Its value is not known before a build: {reason}.")
            return None
        return value
