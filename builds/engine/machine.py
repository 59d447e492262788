"""Machine: a running guest that takes commands. One narrow door, so that every provisioner works on every platform."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from .context import Context
from .errors import BuildError

POWER_OFF = "if command -v systemctl >/dev/null; then systemctl poweroff; else poweroff; fi"
RESTART = "if command -v systemctl >/dev/null; then systemctl reboot; else reboot; fi"


@dataclass(frozen=True)
class Finished:
    """How a command ended. `output` is stdout and stderr as they came, at most the last MiB, secrets not removed."""

    exit_code: int
    output: str


class Machine(ABC):
    """A guest under our control. All methods watch `context.check()` and raise Cancelled or TimedOut in time.

    A connection that breaks while a command runs raises BuildError with what the machine's console said last.
    """

    boot_seconds: float
    """From launch to the first answer over SSH."""

    @abstractmethod
    def run(
        self,
        command: str,
        context: Context,
        *,
        input: bytes = b"",
        env: Mapping[str, str] | None = None,
        user: str = "root",
        folder: str = "",
        timeout: float | None = None,
        quiet: bool = False,
    ) -> Finished:
        """Run a line of sh as `user` in `folder`; output goes to the context's console as it comes unless `quiet`.

        `env` never shows in a process list or in the console: it travels on standard input. A non-zero exit
        is not an error here: the caller knows what it means. `timeout` in seconds.
        """

    @abstractmethod
    def put(
        self, source: Path | bytes, target: str, context: Context, *, mode: int | None = None, owner: str = ""
    ) -> None:
        """Copy a file (or the bytes) to `target`, or a tree under it. `owner`: "user" or "user:group"."""

    @abstractmethod
    def get(self, source: str, target: Path, context: Context) -> None:
        """Copy one file from the machine."""

    @abstractmethod
    def connect(self, port: int, timeout: float = 5.0) -> socket.socket:
        """A TCP connection to the machine's port as somebody outside would make it. OSError when nothing listens."""

    @abstractmethod
    def reboot(self, context: Context) -> None:
        """Restart the machine cleanly and wait until it answers again."""

    @abstractmethod
    def console_text(self) -> str:
        """What the serial console has shown so far, at most the last 256 KiB."""

    def expect(
        self, command: str, context: Context, *, allowed: Collection[int] = (0,), hint: str = "", quiet: bool = True
    ) -> str:
        """Run as root and return the output; BuildError when the exit code is not among `allowed`."""
        finished = self.run(command, context, quiet=quiet)
        if finished.exit_code not in allowed:
            tail = finished.output.strip()[-2000:]
            raise BuildError(
                f"`{command}` ended with exit code {finished.exit_code} in the machine:\n{tail}", hint=hint
            )
        return finished.output
