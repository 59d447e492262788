"""What can go wrong, sorted by who has to act. The class decides wording, colour and whom to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class SlipwayError(Exception):
    """A failure that is explained: what happened and where (`message`), and the next thing to do (`hint`)."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong in a template. `path` is dotted ("provisioners.0.shell.script"); `line` counts from 1.

    `template` is the label of the one that it is wrong in, when that is one which the template extends.
    """

    path: str
    message: str
    line: int | None = None
    template: str = ""

    def __str__(self) -> str:
        line = f"line {self.line}" if self.line else ""
        where = ", ".join(filter(None, (self.template, line)))
        where = f"{where}: " if where else ""
        return f"{where}{self.path}: {self.message}" if self.path else f"{where}{self.message}"


class TemplateError(SlipwayError):
    """The template cannot be built as it stands. Holds every problem, not only the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"The template has {count} problem{'s' if count != 1 else ''}:\n{lines}")


class SourceError(SlipwayError):
    """The files beside the template cannot be used: missing, too large, or outside the source."""


class BuildError(SlipwayError):
    """The author's to mend: what the template asked for failed."""


class CheckFailed(SlipwayError):  # noqa: N818 -- it is an answer, not an accident
    """A machine launched from a finished image did not do what the template promised."""


class Untestable(SlipwayError):  # noqa: N818
    """An image that was made elsewhere needs what no machine here has: nobody can say whether it is right."""


class WorkerError(SlipwayError):
    """The operator's to mend: this host cannot do what the build needs (tools, disk, memory, network)."""


class Cancelled(SlipwayError):  # noqa: N818
    """Somebody cancelled the build."""


class TimedOut(BuildError):  # noqa: N818
    """A part of the build, or the whole, took longer than its limit."""
