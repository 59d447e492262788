"""What an option of a Packer template comes to, as far as that can be known before a build."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .notes import Place

LENGTH = 2**18
"""Characters of a text, and entries of a list: references can double a value many times over."""


@dataclass(frozen=True)
class Reference:
    """One of the template's variables, by Packer's name for it."""

    name: str


@dataclass(frozen=True)
class Text:
    """A text in which variables are still open."""

    parts: tuple[str | Reference, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts if isinstance(part, Reference))


@dataclass(frozen=True)
class Unknown:
    """Nobody can say now what it is."""

    reason: str


@dataclass(frozen=True)
class FromData(Unknown):
    """A data source would say it."""

    source: tuple[str, str]


@dataclass(frozen=True)
class Given:
    """A value and where it stands: a scalar, Text, Unknown, list[Given] or dict[str, Given]."""

    place: Place
    value: Any

    @property
    def unknown(self) -> str:
        """Why it cannot be known, itself or something in it; empty: all of it is known."""
        return _unknown(self.value)


def _unknown(value: Any) -> str:
    if isinstance(value, Unknown):
        return value.reason
    if isinstance(value, list | dict):
        for each in value.values() if isinstance(value, dict) else value:
            if reason := each.unknown:
                return str(reason)
    return ""


def plain(given: Given) -> Any:
    """Without the places. Text and Unknown stay."""
    if isinstance(given.value, list):
        return [plain(each) for each in given.value]
    if isinstance(given.value, dict):
        return {key: plain(each) for key, each in given.value.items()}
    return given.value


def placed(value: Any, place: Place) -> Given:
    """Plain data that came to be at this place."""
    if isinstance(value, Given):
        return value
    if isinstance(value, list):
        return Given(place, [placed(each, place) for each in value])
    if isinstance(value, Mapping):
        return Given(place, {str(key): placed(each, place) for key, each in value.items()})
    return Given(place, value)


def joined(parts: list[Any]) -> Any:
    """One text of scalars and texts; a single part keeps its type. Unknown if one of them is."""
    if len(parts) == 1 and not isinstance(parts[0], Text):
        return parts[0]
    flat: list[str | Reference] = []
    for part in parts:
        if isinstance(part, Unknown):
            return part
        if isinstance(part, list | dict):
            return Unknown("a list or mapping stands where a text is meant")
        more = part.parts if isinstance(part, Text) else (shown(part),)
        for each in more:
            if isinstance(each, str) and flat and isinstance(flat[-1], str):
                flat[-1] += each
            elif each != "":
                flat.append(each)
    if sum(len(each) for each in flat if isinstance(each, str)) > LENGTH:
        return Unknown("the text that it comes to is too long")
    if all(isinstance(each, str) for each in flat):
        return "".join(each for each in flat if isinstance(each, str))
    return Text(tuple(flat))


def shown(value: Any) -> str:
    """A scalar as HCL writes it into a text."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
