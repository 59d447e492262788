"""What is wrong with a box: everything at once, each with its place and the next thing to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SlipwayError


@dataclass(frozen=True)
class Flaw:
    """One thing that is wrong. `where` is a file in the box; empty: the box as a whole."""

    where: str
    what: str
    hint: str
    refused: bool = True
    """False: its publisher should know, but it harms nobody else."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what} {self.hint}" if self.where else f"{self.what} {self.hint}"


class BoxError(SlipwayError):
    """The file is no box that can be taken. Holds every flaw, not only the first."""

    def __init__(self, flaws: Sequence[Flaw]) -> None:
        self.flaws = tuple(flaws)
        count = len(self.flaws)
        lines = "\n".join(f"  {flaw}" for flaw in self.flaws)
        super().__init__(
            f"The box has {count} problem{'s' if count != 1 else ''}:\n{lines}", hint="Nothing of it was kept."
        )


class Unreadable(Exception):  # noqa: N818 -- becomes a flaw
    """The archive cannot be read any further."""

    def __init__(self, what: str, hint: str, where: str = "") -> None:
        super().__init__(what)
        self.flaw = Flaw(where, what, hint)
