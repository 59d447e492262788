"""What `vagrant --machine-readable` says: a line of comma-separated values for each thing."""

from __future__ import annotations

import re
from dataclasses import dataclass

LINE = re.compile(r"\d{9,},[^,]*,([a-z][a-z-]*)(?:,(.*))?")
PROGRESS = re.compile(r"Progress: (\d{1,3})%")
ESCAPES = {"%!(VAGRANT_COMMA)": ",", "\\n": "\n", "\\r": "\r"}
ESCAPE = re.compile("|".join(map(re.escape, ESCAPES)))


@dataclass(frozen=True)
class Line:
    kind: str
    """"ui", "state", "error-exit", …; "plain" for what a plug-in or Ruby itself has printed."""
    data: tuple[str, ...]

    @property
    def text(self) -> str:
        return self.data[-1] if self.data else ""

    @property
    def progress(self) -> float | None:
        """Of a download or upload, 0.0 to 1.0."""
        found = PROGRESS.search(self.text) if self.kind == "ui" else None
        return min(1.0, int(found[1]) / 100) if found else None

    @property
    def error(self) -> str:
        """The class of the error that ended the command: "BoxAlreadyExists"."""
        return self.data[0].rsplit("::", 1)[-1] if self.kind == "error-exit" and self.data else ""


def parse(text: str) -> Line:
    if not (found := LINE.fullmatch(text)):
        return Line("plain", (text,))
    return Line(found[1], tuple(_unescape(value) for value in (found[2] or "").split(",")))


def _unescape(value: str) -> str:
    return ESCAPE.sub(lambda found: ESCAPES[found[0]], value)
