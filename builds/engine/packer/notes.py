"""The account of an import: what was not taken over as it stood, where it stands, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """In the order in which a person wants to read them."""

    TO_DO = "to do"
    """The template needs something that Packer's does not say."""
    LEFT_OUT = "left out"
    CHANGED = "changed"
    """Taken over, but not word for word."""
    NOT_NEEDED = "not needed"
    """It says how Packer works, not what the image is."""


@dataclass(frozen=True)
class Note:
    kind: Kind
    file: str
    line: int
    path: str
    what: str
    why: str
    todo: str = ""

    def __str__(self) -> str:
        said = " ".join(part for part in (self.why, self.todo) if part)
        what = f"{self.what}: " if self.what and self.what != self.path.rpartition(".")[2] else ""
        return f"{self.file}:{self.line}: {self.path}: {self.kind}: {what}{said}"


@dataclass(frozen=True)
class Place:
    """Where something stands."""

    file: str
    line: int


class Notes:
    """Collects notes while a template is converted."""

    def __init__(self) -> None:
        self._notes: dict[Note, None] = {}

    def add(self, kind: Kind, place: Place, path: str, why: str, todo: str = "", *, what: str = "") -> None:
        note = Note(kind, place.file, place.line, path, what or path.rpartition(".")[2], why, todo)
        self._notes.setdefault(note)

    def to_do(self, place: Place, path: str, why: str, todo: str, *, what: str = "") -> None:
        self.add(Kind.TO_DO, place, path, why, todo, what=what)

    def left_out(self, place: Place, path: str, why: str, todo: str = "", *, what: str = "") -> None:
        self.add(Kind.LEFT_OUT, place, path, why, todo, what=what)

    def changed(self, place: Place, path: str, why: str, todo: str = "", *, what: str = "") -> None:
        self.add(Kind.CHANGED, place, path, why, todo, what=what)

    def not_needed(self, place: Place, path: str, keys: Iterable[str], why: str) -> None:
        if names := ", ".join(keys):
            self.add(Kind.NOT_NEEDED, place, path, why, what=names)

    def listed(self) -> tuple[Note, ...]:
        order = list(Kind)
        return tuple(sorted(self._notes, key=lambda note: (order.index(note.kind), note.file, note.line, note.path)))
