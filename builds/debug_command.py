"""A command that somebody has run in a failed machine that is kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.utils import timezone

from .engine.console import Console, LineConsole, Redactor
from .engine.context import Context, Stop
from .engine.errors import Cancelled, SlipwayError, TimedOut
from .engine.machine import Machine
from .models import DebugCommand
from .text import storable

LIMIT = 600.0
"""Seconds that it may take."""
OUTPUT_KEPT = 64 * 1024
"""Characters of its output, the end."""
TIMED_OUT = 124
"""The exit code of one that took too long, as `timeout` has it."""
UNREACHABLE = 255
"""The exit code of one that could not be run, as `ssh` has it."""


class Running:
    """A command at work in the machine, in a thread of its own: looking for what people ask goes on meanwhile."""

    def __init__(self, row: DebugCommand, machine: Machine, context: Context, redact: Redactor) -> None:
        self.row = row
        self.ended = False
        """Its end was written down."""
        self._output = Output(redact)
        self._machine = machine
        self._context = replace(context, console=self._output, stop=Stop())
        self._code: int | None = None
        self._thread = threading.Thread(target=self._run, name=f"command {row.pk}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._context.stop.cancel()
        self._thread.join()

    def result(self) -> dict[str, Any]:
        """The columns, as far as they are known."""
        self.ended = not self._thread.is_alive()
        found: dict[str, Any] = {"output": storable(self._output.text)}
        if self.ended:
            found |= {"exit_code": self._code, "finished_at": timezone.now()}
        return found

    def _run(self) -> None:
        try:
            self._code = self._machine.run(self.row.text, self._context, timeout=LIMIT).exit_code
        except Cancelled:
            pass
        except SlipwayError as error:
            self._output.flush()
            self._output.write(f"{error}\n")
            self._code = TIMED_OUT if isinstance(error, TimedOut) else UNREACHABLE
        self._output.flush()


@contextmanager
def run(row: DebugCommand, machine: Machine, context: Context, redact: Redactor) -> Iterator[Running]:
    running = Running(row, machine, context, redact)
    running.start()
    try:
        yield running
    finally:
        running.stop()


class Output(LineConsole):
    """Keeps the end of what a command says."""

    text = ""

    def line(self, text: str) -> None:
        self.text = (self.text + text)[-OUTPUT_KEPT:]

    @contextmanager
    def step(self, title: str) -> Iterator[Console]:
        self.line(f"{title}\n")
        yield self

    def reused(self, title: str) -> None:
        pass

    def progress(self, fraction: float) -> None:
        pass

    def fact(self, name: str, value: str) -> None:
        pass
