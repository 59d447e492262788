"""Where the engine reports to. The engine never prints, logs or saves; whoever calls it decides what becomes of it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager

REDACTED = "••••••"


class Redactor:
    """Removes secret values from text. Short ones are removed too: better a torn log than a leak."""

    def __init__(self, secrets: Collection[str] = ()) -> None:
        self._secrets: list[str] = []
        self.add(secrets)

    def add(self, secrets: Collection[str]) -> None:
        """From now on these too."""
        lines = {line for secret in secrets for line in (secret, *secret.splitlines()) if line.strip()}
        self._secrets = sorted(lines.union(self._secrets), key=len, reverse=True)

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, REDACTED)
        return text


class Console(ABC):
    """Receives what happens in a build. Safe to call from several threads: steps may run side by side."""

    @abstractmethod
    def step(self, title: str) -> AbstractContextManager[Console]:
        """One of the titles that `pipeline.steps(plan)` announced. What is written to the result belongs to it."""

    @abstractmethod
    def reused(self, title: str) -> None:
        """That step need not run: a layer holds what it does."""

    @abstractmethod
    def write(self, text: str) -> None:
        """Output as it comes: any length, any number of lines, secrets not yet removed."""

    @abstractmethod
    def progress(self, fraction: float) -> None:
        """How much of the current step is done, 0.0 to 1.0."""

    @abstractmethod
    def fact(self, name: str, value: str) -> None:
        """Something worth knowing about the machine or the worker: ("acceleration", "tcg: kvm does not answer")."""


class LineConsole(Console):
    """Cuts output into whole lines, removes the secrets, and hands each line to `line()`.

    A secret can arrive in two pieces, so nothing is passed on before its line is complete. What a program leaves
    without a newline is passed on when its step ends.
    """

    def __init__(self, redact: Redactor) -> None:
        self._redact = redact
        self._rest = ""
        self._lock = threading.Lock()

    @abstractmethod
    def line(self, text: str) -> None:
        """One complete line, newline included, secrets removed."""

    def write(self, text: str) -> None:
        with self._lock:
            *lines, self._rest = (self._rest + text).replace("\r\n", "\n").split("\n")
            for line in lines:
                self.line(self._redact(line.rsplit("\r", 1)[-1]) + "\n")

    def flush(self) -> None:
        with self._lock:
            if self._rest:
                self.line(self._redact(self._rest) + "\n")
                self._rest = ""


class Recorder(Console):
    """Keeps everything in lists: for tests, and for callers that only want to look afterwards."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.reused_steps: list[str] = []
        self.facts: dict[str, str] = {}
        self.texts: list[str] = []

    @contextmanager
    def step(self, title: str) -> Iterator[Console]:
        self.steps.append(title)
        yield self

    def reused(self, title: str) -> None:
        self.reused_steps.append(title)

    def write(self, text: str) -> None:
        self.texts.append(text)

    def progress(self, fraction: float) -> None:
        pass

    def fact(self, name: str, value: str) -> None:
        self.facts[name] = value

    @property
    def text(self) -> str:
        return "".join(self.texts)
