"""What an action is given: a folder, an environment of its own, and a way to run the client."""

from __future__ import annotations

import os
import shlex
import subprocess
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
            done = subprocess.run(
                words,
                cwd=self.folder,
                env={**os.environ, **home, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except FileNotFoundError:
            raise Failed(f"{words[0]} is not installed: scripts/packages conformance") from None
        except subprocess.TimeoutExpired:
            raise Failed(f"It did not end within {SECONDS} s.") from None
        self.ran.append(done.stdout.rstrip())
        if (done.returncode != 0) != fails:
            raise Failed(f"exit status {done.returncode}")
        self.expect(says in done.stdout, f"It does not say {says!r}.")
        return done.stdout

    def expect(self, truth: object, otherwise: str) -> None:
        if not truth:
            raise Failed(otherwise)
