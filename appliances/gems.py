"""Versions and constraints as Vagrant compares them, which are those of Ruby's gems: "~> 1.4, != 1.4.2"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import total_ordering
from itertools import dropwhile, zip_longest

REQUIREMENT = re.compile(
    r"\s*(=|!=|>=|<=|~>|>|<)?\s*([0-9]+(?:\.[0-9A-Za-z]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?)\s*"
)


@total_ordering
@dataclass(frozen=True, eq=False)
class Version:
    text: str

    @property
    def parts(self) -> list[int | str]:
        """A dash begins a pre-release: "1.0-rc1" is "1.0.pre.rc.1"."""
        found = re.findall(r"[0-9]+|[A-Za-z]+", self.text.replace("-", ".pre."))
        return [int(part) if part.isdigit() else part for part in found]

    @property
    def numbers(self) -> list[int]:
        """What stands before the first word: of 2.0.0-rc1 it is 2.0.0."""
        found: list[int] = []
        for part in self.parts:
            if isinstance(part, str):
                break
            found.append(part)
        return found

    @property
    def bumped(self) -> Version:
        """What "~>" stays below: for 1.4.0 it is 1.5, for 1.4 it is 2."""
        kept = self.numbers[:-1] or self.numbers
        return Version(".".join(map(str, [*kept[:-1], kept[-1] + 1])))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._ranks() == other._ranks()

    def __hash__(self) -> int:
        return hash(tuple(self._ranks()))

    def __lt__(self, other: Version) -> bool:
        pairs = zip_longest(self._ranks(), other._ranks(), fillvalue=_rank(0))
        return next((mine < theirs for mine, theirs in pairs if mine != theirs), False)

    def _ranks(self) -> list[tuple[bool, int, str]]:
        """1.0 is 1, and 1.0-rc1 is 1-rc1."""
        numbers = len(self.numbers)
        return [_rank(part) for half in (self.parts[:numbers], self.parts[numbers:]) for part in _without_zeros(half)]


def is_prerelease(version: str) -> bool:
    """A letter anywhere makes one, and a dash does: 2.0.0-rc1, 2.0.0.rc1."""
    return "-" in version or any(character.isalpha() for character in version)


def _rank(part: int | str) -> tuple[bool, int, str]:
    """A word comes before every number."""
    return (False, 0, part) if isinstance(part, str) else (True, part, "")


def _without_zeros(parts: list[int | str]) -> list[int | str]:
    return list(dropwhile(lambda part: part == 0, reversed(parts)))[::-1]


HOLDS: dict[str, Callable[[Version, Version], bool]] = {
    "=": lambda version, wanted: version == wanted,
    "!=": lambda version, wanted: version != wanted,
    ">": lambda version, wanted: version > wanted,
    "<": lambda version, wanted: version < wanted,
    ">=": lambda version, wanted: version >= wanted,
    "<=": lambda version, wanted: version <= wanted,
    "~>": lambda version, wanted: version >= wanted and Version(".".join(map(str, version.numbers))) < wanted.bumped,
}


def satisfies(version: str, constraint: str) -> bool:
    """All parts of a constraint hold. ValueError when it is none; an empty one always holds."""
    found = Version(version)
    for part in constraint.split(",") if constraint.strip() else ():
        match = REQUIREMENT.fullmatch(part)
        if not match:
            raise ValueError(f"“{part.strip()}” is no constraint. Write them as Vagrant's: “~> 1.4”, “>= 1.0, < 2”.")
        if not HOLDS[match[1] or "="](found, Version(match[2])):
            return False
    return True


def best(versions: Iterable[str], constraint: str) -> str:
    """Which of the versions Vagrant takes; empty when none will do."""
    return max((each for each in versions if satisfies(each, constraint)), key=Version, default="")
