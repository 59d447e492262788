"""What the engine reports becomes rows: steps, facts, and a log that only grows.

The engine's threads never touch the database: one thread writes for all of them, a few times a second. While the
database is away everything waits in memory, and the build goes on.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from operator import itemgetter
from typing import Any, Self

from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from .engine.console import Console, LineConsole, Redactor
from .models import Build, LogChunk, Step
from .states import StepState
from .text import storable

logger = logging.getLogger(__name__)

INTERVAL = 0.3  # seconds between two writes
CHUNK = 16 * 1024  # characters of one row; when more waits it is written at once
LIMIT = 32 * 1024 * 1024  # characters of one build's log: a program that never stops talking is cut off


class Log:
    """Collects what any number of threads report, and writes it. Use as a context manager around the build."""

    def __init__(self, build: Build, titles: Sequence[str]) -> None:
        self.build = build
        build.steps.all().delete()
        rows = [Step(build=build, position=at, title=storable(title)[:200]) for at, title in enumerate(titles, 1)]
        Step.objects.bulk_create(rows)
        self._announced = [(title, row.pk) for title, row in zip(titles, rows, strict=True)]
        self._lines: list[tuple[int | None, str]] = []
        self._steps: dict[int, dict[str, Any]] = {}
        self._facts: dict[str, str] = {}
        self._size = self._total = self._sequence = 0
        self._lock = threading.Lock()
        self._hurry = threading.Event()
        self._closed = False
        self._writer = threading.Thread(target=self._write_often, name=f"log of {build.name}", daemon=True)

    def __enter__(self) -> Self:
        self._writer.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closed = True
        self._hurry.set()
        self._writer.join()

    def take(self, title: str) -> int:
        """The key of the first announced step of that title that was not taken yet."""
        with self._lock:
            for entry in self._announced:
                if entry[0] == title:
                    self._announced.remove(entry)
                    return entry[1]
        raise LookupError(f"step {title!r} was not announced, or has begun already")

    def line(self, step: int | None, text: str) -> None:
        with self._lock:
            if self._total > LIMIT:
                return
            self._total += len(text)
            if self._total > LIMIT:
                text = f"… the log is longer than {LIMIT // 1024**2} MiB: the rest is left out\n"
            self._lines.append((step, storable(text)))
            self._size += len(text)
            if self._size >= CHUNK:
                self._hurry.set()

    def change(self, step: int, **fields: Any) -> None:
        """Set columns of a step; later values win."""
        with self._lock:
            self._steps.setdefault(step, {}).update(fields)

    def fact(self, name: str, value: str) -> None:
        with self._lock:
            self._facts[storable(name)] = storable(value)

    def _write_often(self) -> None:
        try:
            while not self._closed:
                self._hurry.wait(INTERVAL)
                self._hurry.clear()
                self._write()
            self._write()
        finally:
            connection.close()

    def _write(self) -> None:
        with self._lock:
            lines, steps, facts = self._lines, self._steps, self._facts
            self._lines, self._steps, self._facts, self._size = [], {}, {}, 0
        chunks = [
            LogChunk(build=self.build, sequence=number, step_id=step, text=text)
            for number, (step, text) in enumerate(cut(lines), start=self._sequence + 1)
        ]
        if not (chunks or steps or facts):
            return
        try:
            with transaction.atomic():
                LogChunk.objects.bulk_create(chunks)
                for key, fields in steps.items():
                    Step.objects.filter(pk=key).update(**fields)
                if facts:
                    self.build.facts = {**self.build.facts, **facts}
                    Build.objects.filter(pk=self.build.pk).update(facts=self.build.facts)
            self._sequence += len(chunks)
        except DatabaseError as error:
            logger.warning("The log of %s waits for the database: %s", self.build.name, error)
            connection.close()
            with self._lock:
                self._lines = lines + self._lines
                self._steps = {
                    key: {**steps.get(key, {}), **self._steps.get(key, {})} for key in {**steps, **self._steps}
                }
                self._facts = {**facts, **self._facts}


def cut(lines: Sequence[tuple[int | None, str]]) -> Iterator[tuple[int | None, str]]:
    """Neighbouring lines of one step as texts of at most CHUNK characters."""
    for step, group in groupby(lines, key=itemgetter(0)):
        text = "".join(line for _, line in group)
        for start in range(0, len(text), CHUNK):
            yield step, text[start : start + CHUNK]


class RecordingConsole(LineConsole):
    """A build's console. The one that `step()` gives belongs to that step, and so does what is written to it."""

    def __init__(self, log: Log, redact: Redactor, step: int | None = None) -> None:
        super().__init__(redact)
        self._log = log
        self._step = step

    @contextmanager
    def step(self, title: str) -> Iterator[Console]:
        step = self._log.take(title)
        self._log.change(step, state=StepState.RUNNING, started_at=timezone.now())
        console = RecordingConsole(self._log, self._redact, step)
        ending: dict[str, Any] = {"state": StepState.FAILED}
        try:
            yield console
            ending = {"state": StepState.SUCCEEDED, "fraction": 1.0}
        finally:
            console.flush()
            self._log.change(step, finished_at=timezone.now(), **ending)

    def reused(self, title: str) -> None:
        self._log.change(self._log.take(title), state=StepState.REUSED, fraction=1.0)

    def line(self, text: str) -> None:
        self._log.line(self._step, text)

    def progress(self, fraction: float) -> None:
        if self._step is not None:
            self._log.change(self._step, fraction=min(1.0, max(0.0, fraction)))

    def fact(self, name: str, value: str) -> None:
        self._log.fact(name, self._redact(value))
