"""What came of an import: of every box of every version, in words for people and as JSON."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from django.template.defaultfilters import filesizeformat
from rich.table import Table

CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Outcome(StrEnum):
    TAKEN = "taken"
    PLANNED = "would be taken"
    HERE = "here already"
    LEFT = "not taken"


@dataclass(frozen=True)
class Row:
    """One provider's box of a version; without a provider the whole version, without a version the whole box."""

    box: str
    outcome: Outcome
    version: str = ""
    provider: str = ""
    architecture: str = ""
    why: str = ""
    """Why it was not taken; or what else there is to know of it."""
    hint: str = ""
    size: int = 0

    def __str__(self) -> str:
        what = " ".join(
            filter(None, (self.box, self.version, "/".join(filter(None, (self.provider, self.architecture)))))
        )
        return plain(f"{self.outcome}: {what}{f' ({self.why})' if self.why else ''}")


@dataclass
class Report:
    source: str
    rows: list[Row] = field(default_factory=list)
    broken_off: bool = False

    @property
    def complete(self) -> bool:
        return not self.broken_off and not any(row.outcome == Outcome.LEFT for row in self.rows)

    def of(self, outcome: Outcome) -> list[Row]:
        return [row for row in self.rows if row.outcome == outcome]

    def json(self) -> dict[str, Any]:
        lists = {outcome.name.lower(): [told(row) for row in self.of(outcome)] for outcome in Outcome}
        return {"source": self.source, "complete": self.complete, "broken_off": self.broken_off, **lists}

    def tables(self) -> Iterator[Table]:
        """What was done for each box; then, when there is any, what was not, and why."""
        yield summary(self.rows)
        if left := [row for row in self.rows if row.outcome == Outcome.LEFT]:
            yield reasons(left)


def told(row: Row) -> dict[str, Any]:
    return {name: value for name, value in asdict(row).items() if name != "outcome" and value not in ("", 0)}


def summary(rows: Iterable[Row]) -> Table:
    counts: dict[str, Counter[Outcome]] = {}
    sizes: Counter[str] = Counter()
    for row in rows:
        counts.setdefault(row.box, Counter())[row.outcome] += 1
        sizes[row.box] += row.size
    present = [each for each in Outcome if any(count[each] for count in counts.values())]
    table = Table(box=None, pad_edge=False)
    for title in ("Box", *present, "Size"):
        table.add_column(title, overflow="fold", justify="left" if title == "Box" else "right")
    for box, count in counts.items():
        table.add_row(
            plain(box), *(str(count[each]) for each in present), filesizeformat(sizes[box]).replace("\xa0", " ")
        )
    return table


def reasons(rows: Iterable[Row]) -> Table:
    table = Table(box=None, pad_edge=False, title="Not taken", title_justify="left")
    for title in ("Box", "Version", "Provider", "Why"):
        table.add_column(title, overflow="fold")
    for row in rows:
        provider = "/".join(filter(None, (row.provider, row.architecture)))
        table.add_row(plain(row.box), plain(row.version), plain(provider), plain(f"{row.why} {row.hint}".strip()))
    return table


def plain(text: str) -> str:
    """The source may have written anything, and a terminal would obey it."""
    return CONTROLS.sub("", text)
