"""What a build has made, and the two ways in which it can end with images that are not to be published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .errors import BuildError, CheckFailed, SlipwayError
from .image import Image


@dataclass(frozen=True)
class Verdict:
    """What one check saw on a machine launched from one finished image."""

    format: str
    title: str
    passed: bool
    seen: str


@dataclass(frozen=True)
class Outcome:
    """What a build made. `images` and `evidence` are keyed by format; evidence is JSON: see `evidence.collect`."""

    images: Mapping[str, Image] = field(default_factory=dict)
    copies: tuple[Image, ...] = ()
    """The images in the other regions."""
    verdicts: tuple[Verdict, ...] = ()
    evidence: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def tested(self) -> frozenset[str]:
        """The formats whose images were launched and checked."""
        return frozenset(verdict.format for verdict in self.verdicts)


class ChecksFailed(CheckFailed):
    """At least one check failed. The outcome holds what every check saw; nothing of it may be published."""

    def __init__(self, outcome: Outcome) -> None:
        failed = [verdict for verdict in outcome.verdicts if not verdict.passed]
        lines = "\n".join(f"  {verdict.format}: {verdict.title}: {verdict.seen}" for verdict in failed)
        count = f"{len(failed)} check{'s' if len(failed) != 1 else ''}"
        super().__init__(
            f"{count} failed on machines launched from the finished images:\n{lines}",
            hint="Mend the template, or the check if it asks for the wrong thing, and save the release again.",
        )
        self.outcome = outcome


class Unfinished(BuildError):  # noqa: N818
    """Images were made and passed their checks, but not all are where they are wanted: `resume` does the rest.

    The outcome holds what was finished, and the files that are needed for the rest though nobody asked for them.
    """

    def __init__(self, outcome: Outcome, problems: Sequence[tuple[str, SlipwayError]]) -> None:
        lines = "\n".join(f"  {title}: {error.message}" for title, error in problems)
        hints = dict.fromkeys(error.hint for _, error in problems if error.hint)
        what = "One step" if len(problems) == 1 else f"{len(problems)} steps"
        super().__init__(
            f"The images were made and tested, but {what.lower()} failed:\n{lines}",
            hint=" ".join([*hints, "Retry the build: it does only what is left."]),
        )
        self.outcome = outcome
