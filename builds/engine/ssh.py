"""SshMachine: a machine that is reached over SSH. All it needs is a POSIX shell, dd and tar."""

from __future__ import annotations

import contextlib
import secrets
import shlex
import tarfile
import tempfile
import threading
from abc import abstractmethod
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import IO, NoReturn

import paramiko

from .context import Context, Deadline
from .errors import BuildError, TimedOut
from .machine import Finished, Machine
from .session import describe

KEEP = 1024 * 1024  # bytes of a command's output that Finished holds
BLOCK = 32768
POLL = 0.1  # seconds between two looks at a silent command
LINGER = 0.5  # seconds that output may still come after a command has ended
KILLED = 137  # the exit code of a shell that was killed itself: 128 + SIGKILL, as a shell would say
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class SshMachine(Machine):
    """Everything but `connect`, `reboot` and `console_text`, which only the platform knows how to do."""

    boot_seconds = 0.0
    ssh_port = 22

    def __init__(self, user: str = "root") -> None:
        self.user = user
        self._transport: paramiko.Transport | None = None

    @abstractmethod
    def reboot(self, context: Context) -> None: ...

    def attach(self, transport: paramiko.Transport) -> None:
        """Use this session from now on."""
        self.detach()
        self._transport = transport

    def detach(self) -> None:
        if self._transport:
            self._transport.close()
            self._transport = None

    @property
    def host_key(self) -> str:
        """The public line of the key with which it has proven who it is."""
        if self._transport is None:
            raise BuildError("There is no connection to the machine.")
        return describe(self._transport.get_remote_server_key())

    def leave(self, command: str, context: Context) -> None:
        """Run what ends the session with the machine, POWER_OFF or RESTART, and close it."""
        # In the background: whether the session ends before the command does says nothing.
        with contextlib.suppress(BuildError):
            self.run(f"(sleep 0.2; {command}) >/dev/null 2>&1 &", context, quiet=True)
        self.detach()

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
        script = _script(command, env or {}, user, folder)
        output = _Kept(None if quiet else context)
        code = self._execute(script, BytesIO(input), output.take, context, timeout)
        return Finished(code, output.text)

    def put(
        self, source: Path | bytes, target: str, context: Context, *, mode: int | None = None, owner: str = ""
    ) -> None:
        if isinstance(source, Path) and source.is_dir():
            self._put_tree(source, target, context, owner)
            return
        if mode is None:
            mode = source.stat().st_mode & 0o777 if isinstance(source, Path) else 0o644
        # Written beside its place, then renamed: nobody in the machine ever reads half a file.
        half = f"{target}.{secrets.token_hex(4)}.part"
        steps = [
            f"[ ! -d {_q(target)} ] || {{ echo {_q(target)} is a folder; exit 1; }}",
            f"mkdir -p {_q(str(Path(target).parent))} && umask 077 && cat > {_q(half)}",
            *([f"chown {_q(owner)} {_q(half)}"] if owner else []),
            f"chmod {mode:o} {_q(half)} && mv -f {_q(half)} {_q(target)}",
        ]
        script = f"{{ {' && '.join(steps)}; }} || {{ rm -f {_q(half)}; exit 1; }}"
        with source.open("rb") if isinstance(source, Path) else BytesIO(source) as content:
            self._send(script, content, f"Copying to {target}", context)

    def _put_tree(self, source: Path, target: str, context: Context, owner: str) -> None:
        uid, gid = (int(number) for number in self._identity(owner, context).split()) if owner else (0, 0)

        def own(entry: tarfile.TarInfo) -> tarfile.TarInfo:
            entry.uid, entry.gid, entry.uname, entry.gname = uid, gid, "", ""
            return entry

        with tempfile.TemporaryFile(dir=context.work) as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                for path in sorted(source.iterdir()):
                    tar.add(path, path.name, filter=own)
            archive.seek(0)
            script = f"mkdir -p {_q(target)} && tar -xpf - -C {_q(target)}"
            self._send(script, archive, f"Copying {source.name} to {target}", context)

    def _identity(self, owner: str, context: Context) -> str:
        script = f't=$(mktemp) && chown {_q(owner)} "$t" && stat -c "%u %g" "$t"; code=$?; rm -f "$t"; exit $code'
        return self.expect(script, context, hint=f"Does {owner} exist in the machine?")

    def _send(self, script: str, content: IO[bytes], what: str, context: Context) -> None:
        output = _Kept(None)
        if self._execute(script, content, output.take, context, None):
            raise BuildError(f"{what} failed in the machine:\n{output.text.strip()[-2000:]}")

    def get(self, source: str, target: Path, context: Context) -> None:
        half = target.with_name(f"{target.name}.part")
        try:
            with half.open("wb") as file:
                # What goes wrong is said in the same stream; the exit code tells which of the two it is.
                code = self._execute(f"cat {_q(source)}", BytesIO(), file.write, context, None)
            if code:
                said = half.read_text(errors="replace").strip()[-2000:]
                raise BuildError(f"Copying {source} from the machine failed:\n{said}")
            half.rename(target)
        finally:
            half.unlink(missing_ok=True)

    def _execute(
        self,
        script: str,
        content: IO[bytes],
        take: Callable[[bytes], object],
        context: Context,
        timeout: float | None,
    ) -> int:
        """Run the script as root with `content` as its input; `take` gets the output as it comes."""
        # The script travels on standard input too: arguments are for everybody in the machine to read. dd
        # takes exactly its bytes and leaves the rest to the script. The mark finds what it has started.
        header, mark = script.encode(), secrets.token_hex(8)
        read = f'eval "$(dd bs=1 count={len(header)} 2>/dev/null)"'
        sudo = "" if self.user == "root" else "sudo -n "
        limit = Deadline(timeout, "The command", "The limit is its own; what it had started was killed.")
        try:
            with contextlib.closing(self._channel()) as channel:
                channel.set_combine_stderr(True)
                channel.settimeout(POLL)
                channel.exec_command(f"{sudo}env SLIPWAY_COMMAND={mark} sh -c {_q(read)}")
                with _feeding(channel, header, content):
                    for data in _output(channel):
                        context.check()
                        limit.check()
                        take(data)
                    code = channel.recv_exit_status()
                alive = channel.get_transport().is_active()
        except (paramiko.SSHException, OSError, EOFError) as error:
            self._broken(error)
        except TimedOut:
            if limit.left == 0:
                self._kill(mark, context)
            raise
        if code == -1 and not alive:
            self._broken(None)
        return code if code != -1 else KILLED

    def _kill(self, mark: str, context: Context) -> None:
        find = f"grep -q {mark} $p/environ 2>/dev/null"
        self.run(f"for p in /proc/[0-9]*; do {find} && kill -9 ${{p#/proc/}}; done", context, quiet=True)

    def _channel(self) -> paramiko.Channel:
        if self._transport is None:
            raise paramiko.SSHException("there is no connection to the machine")
        return self._transport.open_session(timeout=30)

    def _broken(self, error: Exception | None) -> NoReturn:
        reason = f" ({error})" if error and str(error) else ""
        raise BuildError(
            f"The connection to the machine broke while a command ran{reason}. Its console said last:\n"
            + self.last_lines(),
            hint="Did a command restart the machine, its network or its SSH server? Is memory short in it?",
        ) from error

    def last_lines(self, count: int = 15) -> str:
        lines = self.console_text().rstrip().splitlines()[-count:]
        return "\n".join(f"  {line}" for line in lines) or "  (nothing)"


class _Kept:
    """Passes a command's output on as text and keeps the end of it."""

    def __init__(self, context: Context | None) -> None:
        self._context = context
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._data = bytearray()

    def take(self, data: bytes) -> None:
        self._data += data
        del self._data[:-KEEP]
        if self._context and (text := self._decoder.decode(data)):
            self._context.console.write(text)

    @property
    def text(self) -> str:
        return self._data.decode(errors="replace")


def _output(channel: paramiko.Channel) -> Iterator[bytes]:
    """The output until the command has ended; empty pieces let the caller look at the clock."""
    silent = 0.0
    # A daemon that the command has left behind may hold the output open for ever.
    while not (channel.exit_status_ready() and silent > LINGER):
        try:
            if not (data := channel.recv(BLOCK)):
                break
            silent = 0.0
        except TimeoutError:
            # Only silence after the end counts: what a slow command says last must not be missed.
            silent = silent + POLL if channel.exit_status_ready() else 0.0
            data = b""
        yield data
    while not channel.status_event.wait(POLL):
        yield b""


@contextlib.contextmanager
def _feeding(channel: paramiko.Channel, header: bytes, content: IO[bytes]) -> Iterator[None]:
    """Send the input beside the output, so that neither waits for the other."""

    def feed() -> None:
        data = header
        with contextlib.suppress(OSError):  # the command ended without reading it all
            while data:
                with contextlib.suppress(TimeoutError):
                    data = data[channel.send(data) :] or content.read(BLOCK)
            channel.shutdown_write()

    thread = threading.Thread(target=feed, name="ssh input", daemon=True)
    thread.start()
    try:
        yield
    finally:
        channel.close()
        thread.join()


def _script(command: str, env: Mapping[str, str], user: str, folder: str) -> str:
    # Merged here, where both are written, they stay in order.
    lines = ["exec 2>&1", f"export PATH={PATH}"]
    lines += [f"export {name}={_q(value)}" for name, value in env.items()]
    if folder:
        lines.append(f"cd {_q(folder)} || exit")
    # su, not sudo, runuser or setpriv: every system has it, busybox included. It keeps the environment.
    lines.append(command if user == "root" else f"exec su -s /bin/sh {_q(user)} -c {_q(command)}")
    return "\n".join(lines)


def _q(text: str) -> str:
    return shlex.quote(text)
