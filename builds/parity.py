"""Parity: in what the machines differ that were launched from the images of one revision, whatever made them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from .models import Artifact, CheckResult

Trait = tuple[str, str]  # what kind of thing, and its name: ("package", "openssl")
KINDS = {
    "system": ("system", "systems"),
    "package": ("package", "packages"),
    "service": ("service", "services"),
    "port": ("open port", "open ports"),
    "check": ("check", "checks"),
}


@dataclass(frozen=True)
class Column:
    """Images whose machines showed the same in everything."""

    artifacts: tuple[Artifact, ...]
    traits: Mapping[Trait, str]


@dataclass(frozen=True)
class Difference:
    """One trait that is not the same everywhere. `values` has one per column; empty: it is not there."""

    kind: str
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Parity:
    columns: tuple[Column, ...]
    differences: tuple[Difference, ...]
    same: Mapping[str, int]
    """How many traits of each kind all machines share, by the kind's name in the plural."""

    @property
    def images(self) -> int:
        return sum(len(column.artifacts) for column in self.columns)


def compare(artifacts: Iterable[Artifact], results: Iterable[CheckResult]) -> Parity | None:
    """What the artifacts' machines showed, side by side; None when fewer than two were launched."""
    checks: dict[tuple[int, str], list[CheckResult]] = {}
    for result in results:
        checks.setdefault((result.build_id, result.format), []).append(result)
    columns: list[Column] = []
    for artifact in artifacts:
        if artifact.evidence:
            seen = dict(traits(artifact, checks.get((artifact.build_id, artifact.format), ())))
            _join(columns, artifact, seen)
    if sum(len(column.artifacts) for column in columns) < 2:
        return None
    differences, same = [], dict.fromkeys(KINDS, 0)
    for kind, name in sorted({trait for column in columns for trait in column.traits}, key=_place):
        values = tuple(column.traits.get((kind, name), "") for column in columns)
        if len(set(values)) > 1:
            differences.append(Difference(KINDS[kind][0], name, values))
        else:
            same[kind] += 1
    counted = {KINDS[kind][1 if count > 1 else 0]: count for kind, count in same.items() if count}
    return Parity(tuple(columns), tuple(differences), counted)


def traits(artifact: Artifact, results: Sequence[CheckResult]) -> Iterator[tuple[Trait, str]]:
    """Everything that should be the same on each platform. How long it took to boot need not be."""
    evidence = artifact.evidence
    for name in ("os", "kernel"):
        if evidence.get(name):
            yield ("system", name), evidence[name]
    for name, version in evidence.get("packages", {}).items():
        yield ("package", name), version
    for name, state in evidence.get("services", {}).items():
        yield ("service", name), state
    for port in evidence.get("ports", ()):
        if not str(port).endswith("/udp"):  # a DHCP client's port and its like come and go
            yield ("port", str(port)), "open"
    for result in results:
        yield ("check", result.title), "passed" if result.passed else "failed"


def _join(columns: list[Column], artifact: Artifact, seen: Mapping[Trait, str]) -> None:
    for number, column in enumerate(columns):
        if column.traits == seen:
            columns[number] = Column((*column.artifacts, artifact), seen)
            return
    columns.append(Column((artifact,), seen))


def _place(trait: Trait) -> tuple[int, str]:
    return list(KINDS).index(trait[0]), trait[1]
