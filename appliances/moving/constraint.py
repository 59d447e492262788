"""Versions and constraints as Vagrant reads them: Ruby's Gem::Version and Gem::Requirement."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import takewhile, zip_longest

VERSION = re.compile(r"[0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?")
CLAUSE = re.compile(r"\s*(=|!=|>=|<=|>|<|~>)?\s*(\S+)\s*")


@dataclass(frozen=True)
class Constraint:
    """All of its clauses must hold: ">= 1.4, < 3", "~> 2.1", "1.4.0"."""

    clauses: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, text: str) -> Constraint:
        """Raises ValueError when Ruby could not read it."""
        clauses = []
        for part in text.split(","):
            found = CLAUSE.fullmatch(part)
            if not found or not VERSION.fullmatch(found[2]):
                raise ValueError(
                    f"“{part.strip()}” is no constraint. Write them as Vagrant's: “~> 1.4”, “>= 1.0, < 2”."
                )
            clauses.append((found[1] or "=", found[2]))
        return cls(tuple(clauses))

    def holds(self, version: str) -> bool:
        """Of a version that Ruby can parse."""
        return all(OPERATORS[operator](version, wanted) for operator, wanted in self.clauses)


def compare(one: str, other: str) -> int:
    """-1, 0 or 1: numbers as numbers, and words, which make a pre-release, before them; 1.0 is 1."""
    for left, right in zip_longest(segments(one), segments(other), fillvalue=0):
        if left != right:
            if isinstance(left, int) != isinstance(right, int):
                return 1 if isinstance(left, int) else -1
            return 1 if left > right else -1  # type: ignore[operator]
    return 0


def segments(version: str) -> list[int | str]:
    """Ruby reads 2.0.0-rc1 as 2.0.0.pre.rc.1."""
    parts = re.findall(r"[0-9]+|[a-zA-Z]+", version.replace("-", ".pre."))
    return [int(part) if part.isdecimal() else part for part in parts]


def pessimistic(version: str, wanted: str) -> bool:
    """~> 1.4.2: at least that, and below 1.5, whose pre-releases are not below it."""
    numbers = released(wanted)
    kept = numbers[:-1] or numbers
    ceiling = ".".join(map(str, [*kept[:-1], kept[-1] + 1]))
    return compare(version, wanted) >= 0 and compare(".".join(map(str, released(version))), ceiling) < 0


def released(version: str) -> list[int]:
    """The numbers before its first word: 2.0.0-rc1 is on its way to 2.0.0."""
    return [part for part in takewhile(lambda part: isinstance(part, int), segments(version)) if isinstance(part, int)]


OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "=": lambda version, wanted: compare(version, wanted) == 0,
    "!=": lambda version, wanted: compare(version, wanted) != 0,
    ">": lambda version, wanted: compare(version, wanted) > 0,
    "<": lambda version, wanted: compare(version, wanted) < 0,
    ">=": lambda version, wanted: compare(version, wanted) >= 0,
    "<=": lambda version, wanted: compare(version, wanted) <= 0,
    "~>": pessimistic,
}
