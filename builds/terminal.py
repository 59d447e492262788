"""Progress in a terminal: a bar for each step, the log scrolling above."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console as Terminal
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TaskProgressColumn, TextColumn, TimeElapsedColumn

from .engine.console import Console, LineConsole, Redactor

MARKS = {"pending": "·", "running": "▶", "succeeded": "[green]✓[/]", "failed": "[red]✗[/]", "skipped": "[dim]-[/]",
         "reused": "[green]≡[/]"}  # fmt: skip


def bars(terminal: Terminal) -> Progress:
    """One line a step. A step's mark is the task's field `mark`."""
    return Progress(
        SpinnerColumn(finished_text=" "),
        TextColumn("{task.fields[mark]}"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=terminal,
    )


@dataclass
class Screen:
    """What all parts of a foreground build's console share."""

    terminal: Terminal
    progress: Progress
    facts: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, text: str, style: str = "") -> None:
        self.progress.console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)


class TerminalConsole(LineConsole):
    """A foreground build's console."""

    def __init__(self, screen: Screen, redact: Redactor, task: TaskID | None = None) -> None:
        super().__init__(redact)
        self._screen = screen
        self._task = task

    @contextmanager
    def step(self, title: str) -> Iterator[Console]:
        screen, progress = self._screen, self._screen.progress
        if not screen.terminal.is_terminal:
            screen.say(f"▶ {title}")
        task = progress.add_task(title, total=1.0, mark=MARKS["running"])
        console = TerminalConsole(screen, self._redact, task)
        state = "failed"
        try:
            yield console
            state = "succeeded"
            progress.update(task, completed=1.0)
        finally:
            console.flush()
            progress.update(task, mark=MARKS[state])
            progress.stop_task(task)

    def reused(self, title: str) -> None:
        self._screen.say(f"≡ {title}: from a layer")

    def line(self, text: str) -> None:
        self._screen.say(text.rstrip("\n"), style="dim")

    def progress(self, fraction: float) -> None:
        if self._task is not None:
            self._screen.progress.update(self._task, completed=min(1.0, max(0.0, fraction)))

    def fact(self, name: str, value: str) -> None:
        with self._screen.lock:
            self._screen.facts[name] = self._redact(value)
        self._screen.say(f"{name}: {self._redact(value)}")
