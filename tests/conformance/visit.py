"""What an action is given: a folder, an environment of its own, and a way to run the client."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from .catalog import Catalog

SECONDS = 300


class Failed(Exception):  # noqa: N818 -- what happened to the client
    """The client did not do what its users expect; the text is what it said."""


@dataclass
class Visit:
    """One client's stay: what one action leaves in the folder, the next one finds."""

    catalog: Catalog
    folder: Path
    env: dict[str, str] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)
    """The commands of the present action."""

    def run(self, *argv: str | Path, says: str = "", fails: bool = False) -> str:
        """What the command printed; Failed when it fails, or does not say what it should."""
        words = [os.fspath(word) for word in argv]
        self.ran.append(f"$ {shlex.join(words)}")
        home = {"HOME": str(self.folder), "LC_ALL": "C.UTF-8"}
        try:
            process = subprocess.Popen(
                words,
                cwd=self.folder,
                env={**os.environ, **home, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        except FileNotFoundError:
            raise Failed(f"{words[0]} is not installed: scripts/packages conformance") from None
        said, in_time = output(process)
        self.ran.append(said.rstrip())
        self.expect(in_time, f"It did not end within {SECONDS} s.")
        self.expect((process.returncode != 0) == fails, f"exit status {process.returncode}")
        self.expect(says in said, f"It does not say {says!r}.")
        return said

    def expect(self, truth: object, otherwise: str) -> None:
        if not truth:
            raise Failed(otherwise)


def output(process: subprocess.Popen[str]) -> tuple[str, bool]:
    """What it says until it ends, and whether that is in time; nothing that it started outlives it."""
    try:
        return process.communicate(timeout=SECONDS)[0], True
    except subprocess.TimeoutExpired:
        _kill(process)
        return process.communicate()[0], False
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[str]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
