"""What a command says: answers to standard output, everything about the work to standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

# A guest may have written anything, and a terminal would obey it: control sequences (CSI), commands (OSC), single ones.
CSI, OSC, OTHER = r"\x1b\[[0-?]*[ -/]*[@-~]", r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?", r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"
CONTROLS = re.compile("|".join((CSI, OSC, OTHER)))


class Output:
    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.out = Console(soft_wrap=True, highlight=False, markup=False, emoji=False)
        self.err = Console(soft_wrap=True, highlight=False, markup=False, emoji=False, stderr=True)

    @property
    def is_live(self) -> bool:
        """Somebody is looking."""
        return self.err.is_terminal and not self.as_json

    def answer(self, data: Any, *lines: str) -> None:
        """The command's result: the data for programs, or the lines for people."""
        if self.as_json:
            sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            for line in lines:
                self.write(line)

    def rows(self, rows: Sequence[Any], *names: str) -> None:
        """A list: one line each."""
        if self.as_json or not rows:
            self.answer(list(rows), "There is none.")
            return
        if not self.out.is_terminal:
            for row in rows:
                self.write("\t".join(_cell(row[name]) for name in names))
            return
        table = Table(*(name.replace("_", " ") for name in names), box=None, header_style="bold")
        for row in rows:
            table.add_row(*(plain(_cell(row[name])) for name in names))
        self.out.print(table)

    def write(self, line: str) -> None:
        """As it is: rich would make spaces of tabs, and lines of long lines."""
        sys.stdout.write(f"{plain(line)}\n")
        sys.stdout.flush()

    def say(self, text: str) -> None:
        self.err.print(plain(text))


def plain(text: str) -> str:
    return CONTROLS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _cell(value: Any) -> str:
    return "" if value is None else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
