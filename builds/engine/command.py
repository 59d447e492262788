"""The one door through which the engine runs outside programs.

Every program is started from an argument list, in a process group of its own, and dies with the worker: no
shell, nothing left behind. What it needs to keep secret goes in by `env` or `input`, never by `argv`, which
everybody on the host can read.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from codecs import getincrementaldecoder
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from .context import Context
from .errors import BuildError, SlipwayError, TimedOut, WorkerError
from .machine import Finished

# Debian and Ubuntu agree on these names.
PACKAGES = {
    "ansible-playbook": "ansible-core",
    "blkid": "util-linux",
    "bsdtar": "libarchive-tools",
    "bwrap": "bubblewrap",
    "debugfs": "e2fsprogs",
    "git": "git",
    "grub-mkimage": "grub-common",
    "mke2fs": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "prlimit": "util-linux",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "sfdisk": "fdisk",
    "slirp4netns": "slirp4netns",
    "socat": "socat",
    "ssh": "openssh-client",
    "virsh": "libvirt-clients",
    "xorriso": "xorriso",
    "zstd": "zstd",
}
TAIL = 4000  # characters of a failed program's output that its error repeats
POLL = 0.2  # seconds between two looks at whether the build should end


class TooMuch(BuildError):  # noqa: N818
    """A program said more than anybody wants to keep."""


def find(program: str) -> str:
    """Where the program is. WorkerError that names the package when this host does not have it."""
    # Some systems leave the administrator's programs out of an ordinary user's PATH.
    path = shutil.which(program, path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin")
    if path is None:
        package = PACKAGES.get(program, program)
        raise WorkerError(
            f"The program {program} is not installed on this worker.",
            hint=f"Install it: apt-get install {package}",
        )
    return path


def run(
    argv: Sequence[str | os.PathLike[str]],
    context: Context | None = None,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes = b"",
    timeout: float | None = None,
    quiet: bool = True,
    allowed: Collection[int] = (0,),
    error: type[BuildError | WorkerError] = WorkerError,
    hint: str = "",
    pass_fds: Collection[int] = (),
    limit: int | None = None,
    ended: list[int] | None = None,
) -> str:
    """Run a program to its end and return its standard output; its exit code is appended to `ended`.

    Unless `quiet`, both outputs also go to the context's console as they come. `env` is added to ours.
    Raises `error` with the last lines when the exit code is not among `allowed`, TooMuch when its standard output has
    more than `limit` characters, TimedOut after `timeout` seconds, and whatever `context.check()` raises; before that
    the program and its children are killed.
    """
    code, output, title = _finish(
        argv,
        context,
        cwd=cwd,
        env=env,
        input=input,
        timeout=timeout,
        quiet=quiet,
        hint=hint,
        pass_fds=pass_fds,
        limit=limit,
    )
    if ended is not None:
        ended.append(code)
    if code not in allowed:
        raise _failure(title, code, output.tail.strip(), error, hint)
    return output.stdout


def attempt(argv: Sequence[str | os.PathLike[str]], context: Context) -> Finished:
    """Run a program to its end, whatever that is. What it says goes to the context's console; its end is returned."""
    code, output, _ = _finish(argv, context, quiet=False)
    return Finished(code, output.tail)


def _finish(
    argv: Sequence[str | os.PathLike[str]],
    context: Context | None,
    *,
    quiet: bool,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes = b"",
    timeout: float | None = None,
    hint: str = "",
    pass_fds: Collection[int] = (),
    limit: int | None = None,
) -> tuple[int, _Output, str]:
    """The exit code, what was said, and what to call the program."""
    end = None if timeout is None else time.monotonic() + timeout
    with tempfile.TemporaryFile() as stdin:
        stdin.write(input)
        stdin.seek(0)
        pipe = subprocess.PIPE
        with Child(argv, cwd=cwd, env=env, stdin=stdin, stdout=pipe, stderr=pipe, pass_fds=pass_fds) as child:
            with contextlib.closing(_Output(child, None if quiet else context)) as output:
                while output.read(POLL) or child.alive:
                    if context:
                        context.check()
                    if limit is not None and output.size > limit:
                        raise TooMuch(f"`{child.title}` said more than {limit:,} characters.", hint=hint)
                    if end is not None and time.monotonic() > end:
                        raise TimedOut(f"`{child.title}` took longer than {timeout:.0f} s.", hint=hint)
            return child.wait(), output, child.title


class Child:
    """A running program. Leaving the `with` block kills it together with everything that it started.

    It also dies with the *thread* that started it, so that a killed worker leaves nothing: start long-running
    programs from a thread that outlives them.
    """

    def __init__(
        self,
        argv: Sequence[str | os.PathLike[str]],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stdin: int | IO[bytes] = subprocess.DEVNULL,
        stdout: int | IO[bytes] = subprocess.DEVNULL,
        stderr: int | IO[bytes] = subprocess.DEVNULL,
        pass_fds: Collection[int] = (),
    ) -> None:
        command = [find(os.fspath(argv[0])), *(os.fspath(argument) for argument in argv[1:])]
        self.title = shlex.join([os.fspath(argv[0]), *command[1:]])
        self.process = subprocess.Popen(
            [find("setpriv"), "--pdeathsig", "KILL", "--", *command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def wait(self, timeout: float | None = None) -> int:
        """The exit code; negative: killed by that signal. Raises TimeoutError after `timeout` seconds."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired as late:
            raise TimeoutError(f"`{self.title}` still runs after {timeout} s") from late

    def kill(self) -> None:
        """Kill the whole process group, also what a program that has ended left in it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


class _Output:
    """What a child says on its two pipes."""

    def __init__(self, child: Child, context: Context | None) -> None:
        self._child = child
        self._context = context
        self._parts: list[str] = []
        self.size = 0
        self.tail = ""
        self._selector = selectors.DefaultSelector()
        for name in ("stdout", "stderr"):
            pipe = getattr(child.process, name)
            self._selector.register(
                pipe.fileno(), selectors.EVENT_READ, (name, getincrementaldecoder("utf-8")("replace"))
            )

    def read(self, timeout: float) -> bool:
        """Take what has come. False when nothing more will: both ends closed, or a daemon holds them."""
        if not self._selector.get_map():
            with contextlib.suppress(TimeoutError):
                self._child.wait(timeout)  # it closed its outputs and is about to end
            return False
        alive = self._child.alive
        ready = self._selector.select(timeout)
        for key, _ in ready:
            name, decoder = key.data
            data = os.read(key.fd, 65536)
            self._take(name, decoder.decode(data, final=not data))
            if not data:
                self._selector.unregister(key.fd)
        return bool(self._selector.get_map()) and (alive or bool(ready))

    def _take(self, name: str, text: str) -> None:
        if name == "stdout":
            self._parts.append(text)
            self.size += len(text)
        self.tail = (self.tail + text)[-TAIL:]
        if self._context and text:
            self._context.console.write(text)

    def close(self) -> None:
        self._selector.close()

    @property
    def stdout(self) -> str:
        return "".join(self._parts)


def _failure(title: str, code: int, tail: str, error: type[BuildError | WorkerError], hint: str) -> SlipwayError:
    ended = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    if "No space left on device" in tail:
        error, hint = WorkerError, "Free some disk space on this worker, then retry the build."
    return error(f"`{title}` {ended}" + (f":\n{tail}" if tail else "."), hint=hint)
