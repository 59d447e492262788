"""The `vagrant` command: its output as it comes, its own clean-up when it is interrupted."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, ClassVar, cast

import vagrant

from ...command import find
from ...context import Context
from ...errors import BuildError
from .lines import Line, parse

POLL = 0.2
KEEP = 256 * 1024  # characters of what it said
TAIL = 4000  # of which an error repeats as many


class VagrantFailed(BuildError):  # noqa: N818
    """A command ended with an error; `kind` is Vagrant's own name for it, empty when it crashed."""

    def __init__(self, message: str, kind: str, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind


class Vagrant(vagrant.Vagrant):
    """python-vagrant hides the process that it starts: nobody could cancel it, and the reason of an error is lost."""

    patience: ClassVar[float] = 60
    """Seconds that an interrupted command has for its own clean-up: it destroys the machine that it was starting."""

    def __init__(self, project: Path, env: Mapping[str, str]) -> None:
        super().__init__(project, env=dict(env))  # type: ignore[no-untyped-call]
        self.said = ""

    def run(self, *arguments: str, context: Context, quiet: bool = False) -> list[Line]:
        """Run a command to its end; returns what it said, which goes to the console too unless `quiet`.

        Raises VagrantFailed, and what `context.check()` raises; then the command is interrupted as by Ctrl-C.
        """
        argv = [find("setpriv"), "--pdeathsig", "KILL", "--"]
        # It deflates a whole disk; the machines beside it have time limits.
        argv += [find("nice"), "-n", "10"] if arguments[0] == "package" else []
        argv += self._make_vagrant_command([*arguments, "--machine-readable"])  # type: ignore[no-untyped-call]
        process = subprocess.Popen(
            argv,
            bufsize=0,
            cwd=self.root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        lines = []
        with cast(IO[bytes], process.stdout) as output:
            try:
                for text in _texts(process, output, context):
                    lines.append(line := parse(text))
                    self._take(line, context, quiet)
                while process.poll() is None:
                    context.wait(POLL)
            except BaseException:
                self._interrupt(process, output)
                raise
        if process.returncode:
            raise _failure(arguments, process.returncode, lines)
        return lines

    def last_lines(self, count: int = 15) -> str:
        lines = self.said.rstrip().splitlines()[-count:]
        return "\n".join(f"  {line}" for line in lines) or "  (nothing)"

    def _take(self, line: Line, context: Context, quiet: bool) -> None:
        if (fraction := line.progress) is not None:
            context.console.progress(fraction)
        elif line.kind in ("ui", "plain") and not quiet:
            self.said = f"{self.said}{line.text}\n"[-KEEP:]
            if line.data[0] != "error":  # the exception tells it
                context.console.write(f"{line.text}\n")

    def _interrupt(self, process: subprocess.Popen[bytes], output: IO[bytes]) -> None:
        """The first interrupt lets it clean up, the second makes it leave at once."""
        for number, patience in ((signal.SIGINT, self.patience), (signal.SIGINT, 5), (signal.SIGKILL, 10)):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            if _ends(process, output, patience):
                return


def _texts(process: subprocess.Popen[bytes], output: IO[bytes], context: Context) -> Iterator[str]:
    """Its lines, until it ends: what it leaves running may hold its output open."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while True:
            context.check()
            ended = process.poll() is not None
            if selector.select(POLL):
                if not (data := os.read(output.fileno(), 65536)):
                    break
                *whole, rest = (rest + data).split(b"\n")
                yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
            elif ended:
                break
    if rest:
        yield rest.decode("utf-8", "replace")


def _ends(process: subprocess.Popen[bytes], output: IO[bytes], seconds: float) -> bool:
    """Read on meanwhile: a full pipe would keep it from ending."""
    end = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while process.poll() is None and time.monotonic() < end:
            if selector.get_map() and selector.select(0.1):
                if not os.read(output.fileno(), 65536):
                    selector.unregister(output)
            else:
                time.sleep(0.05)
    return process.poll() is not None


def _failure(arguments: tuple[str, ...], code: int, lines: list[Line]) -> VagrantFailed:
    title = f"`vagrant {' '.join(arguments)}`"
    kind = next((line.error for line in reversed(lines) if line.error), "")
    if kind:
        text = next(line.text for line in reversed(lines) if line.error)
    else:  # a plug-in crashed: what is left is Ruby's backtrace
        text = "\n".join(line.text for line in lines if line.kind in ("ui", "plain"))
    ended = f"was killed by {signal.Signals(-code).name}" if code < 0 else "failed"
    return VagrantFailed(f"{title} {ended}:\n{text.strip()[-TAIL:] or '(it said nothing)'}", kind)
