"""What ends a command, and with which status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OK = 0
FAILED = 1  # the build failed, the template has problems, a checksum is wrong, the server refused
USAGE = 2  # argparse's own
CANCELLED = 3  # the build was cancelled
UNREACHABLE = 4  # no server, no token, or no access with it
INTERRUPTED = 130  # Ctrl-C


class Failure(Exception):  # noqa: N818
    """What happened, the next thing to do, and the status that the command ends with."""

    def __init__(self, message: str, *, hint: str = "", status: int = FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status

    def lines(self) -> list[str]:
        return [self.message, *([self.hint] if self.hint else [])]


class Refused(Failure):
    """The server's own answer: a problem in the form of RFC 9457, or whatever stands before it says."""

    def __init__(self, code: int, problem: Mapping[str, Any]) -> None:
        message = problem.get("detail") or problem.get("title") or f"The server answered {code}."
        status = UNREACHABLE if code in (401, 403) else FAILED
        super().__init__(message, hint=problem.get("hint", ""), status=status)
        self.code = code
        self.kind = str(problem.get("type", "")).rpartition("#problem-")[2]
        self.problems = list(problem.get("problems", ()))

    def lines(self) -> list[str]:
        return [self.message, *(f"  {described(each)}" for each in self.problems), *([self.hint] if self.hint else [])]


def described(problem: Mapping[str, Any]) -> str:
    """line 4: platforms.qemu: there is no format "floppy" """
    line = f"line {problem['line']}" if problem.get("line") else ""
    where = ", ".join(filter(None, (problem.get("template"), line)))
    where = f"{where}: " if where else ""
    path = f"{problem['path']}: " if problem.get("path") else ""
    return f"{where}{path}{problem['message']}"
