"""Keeps a few programs running: starts them in order, restarts one that ends, and ends them all together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)
STEADY = 60.0  # seconds after which a program counts as having started well
LONGEST_PAUSE = 30.0  # seconds between two tries to start a program that keeps ending
LARGEST_LOG = 10 * 1024 * 1024  # bytes; a larger one is put aside at the next start


@dataclass
class Program:
    """One of the installation's own programs; `log` gets what it says."""

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stage: int = 1
    """Programs of stage 0 are used by the others: they end last."""
    patience: float = 10.0
    """Seconds that it may take to end after SIGTERM; then it is killed."""
    process: subprocess.Popen[bytes] | None = None
    pause: float = 1.0
    started: float = 0.0
    due: float = 0.0

    def start(self) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LARGEST_LOG:
            self.log.replace(self.log.with_suffix(".old"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [os.fspath(part) for part in self.argv],
                env={**os.environ, **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the supervisor: it ends them in order
                preexec_fn=_die_with_parent,
            )
        self.started = time.monotonic()

    @property
    def runs(self) -> bool:
        return self.process is not None and self.process.poll() is None


class Supervisor:
    """Use as a context manager from the main thread; call `tend()` about once a second.

    Whatever kills the supervisor, the kernel kills its programs too.
    """

    def __init__(self, say: Callable[[str], object]) -> None:
        self._say = say
        self._programs: list[Program] = []

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for stage in sorted({program.stage for program in self._programs}, reverse=True):
            _end([program for program in self._programs if program.stage == stage])

    def start(self, program: Program) -> None:
        program.start()
        self._programs.append(program)

    def tend(self) -> None:
        """Start again what has ended; what keeps ending is tried less and less often."""
        now = time.monotonic()
        for program in self._programs:
            if program.runs:
                continue
            if program.process is not None:
                program.pause = 1.0 if now - program.started > STEADY else min(2 * program.pause, LONGEST_PAUSE)
                program.due = now + program.pause
                self._say(
                    f"{program.name} ended ({_ending(program.process.returncode)}), see {program.log}; "
                    f"starting it again in {program.pause:.0f} s."
                )
                program.process = None
            elif now >= program.due:
                program.start()


def _end(programs: Sequence[Program]) -> None:
    """Ask all of them at once, then wait for each."""
    running = [program.process for program in programs if program.runs and program.process]
    for process in running:
        process.terminate()
    deadline = time.monotonic() + max((program.patience for program in programs), default=0)
    for process in running:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _ending(returncode: int) -> str:
    return signal.Signals(-returncode).name if returncode < 0 else f"exit code {returncode}"


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
