"""What an import says while it works: a bar in a terminal, plain lines anywhere else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console as Terminal
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from .report import plain


class Screen:
    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        name = TextColumn("{task.description}", markup=False)
        self._progress = Progress(name, *columns, console=terminal, disable=not terminal.is_terminal, transient=True)

    def __enter__(self) -> Screen:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        self._progress.console.print(plain(text), markup=False, highlight=False, soft_wrap=True)

    @contextmanager
    def transfer(self, title: str) -> Iterator[Callable[[int, int | None], None]]:
        """To be told how many bytes have come, and of how many."""
        if not self._terminal.is_terminal:
            self.say(title)
        task = self._progress.add_task(plain(title), total=None)
        try:
            yield lambda done, total: self._progress.update(task, completed=done, total=total)
        finally:
            self._progress.remove_task(task)
