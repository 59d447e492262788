"""One guest: its folder, its QEMU and the doors to it. It can be started again on the same disk."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ...context import Context, Deadline, Stop
from ...errors import WorkerError
from ...memory import free_memory
from .hardware import CONSOLE, DISK, MIB, QMP, Hardware
from .qmp import Qmp
from .sandbox import ERRORS, confinement, connect_unix

CONSOLE_KEPT = 256 * 1024
# What QEMU needs beside the guest's memory: its own, and the translated code when nothing accelerates.
OVERHEAD = 384 * MIB
PID = "pid"


class Guest:
    def __init__(self, folder: Path, hardware: Hardware, readable: Sequence[Path]) -> None:
        self.folder = folder
        self.hardware = hardware
        self.disk = folder / DISK
        """The one that takes its writes; it may continue others."""
        self.direct = False
        """How it was started last."""
        self._shown = 0
        self._stack = ExitStack()
        self._confined = confinement(
            folder,
            readable,
            outside=hardware.outside,
            kvm=hardware.accelerator == "kvm",
            disk=hardware.size.disk,
        )

    def start(self, context: Context, *, direct: bool = False, paused: bool = False) -> None:
        """Switch it on. `direct`: with the kernel of its hardware, not its disk's boot loader.

        `paused`: it waits for the state that it is to go on from.
        """
        check_resources(self.hardware, self.folder)
        self.stop()
        self.direct = direct
        argv = [*self.hardware.argv(direct, self.disk.name), *(("-incoming", "defer") if paused else ())]
        self._qemu = self._confined.start(argv, self._stack, context.console)
        _write_pid(self.folder / PID, self._qemu.pid)
        self._qmp = self._connect_qmp(context)
        self._stack.callback(lambda: self._qmp.close())

    def _connect_qmp(self, context: Context) -> Qmp:
        end = time.monotonic() + 30
        while True:
            try:
                return Qmp(connect_unix(self.folder / QMP, timeout=10))
            except OSError as error:
                context.check()
                if not self.alive or time.monotonic() > end:
                    raise WorkerError(
                        f"QEMU does not start: {self.complaint() or error}",
                        hint="`manage.py doctor` says what this worker can do.",
                    ) from error
                time.sleep(0.02)

    @property
    def qmp(self) -> Qmp:
        return self._qmp

    @contextmanager
    def frozen(self, context: Context) -> Iterator[None]:
        """Stopped within the `with` block; it goes on afterwards, whatever happens in it."""
        try:
            self._qmp.execute("stop")
            yield
        finally:
            try:
                self._qmp.execute("cont")
            except OSError:  # an answer that came too late cannot be read any more
                self._qmp.close()
                self._qmp = self._connect_qmp(replace(context, stop=Stop(), deadline=Deadline(None, "")))
                self._qmp.execute("cont")

    @property
    def alive(self) -> bool:
        return self._qemu.alive

    def ended(self) -> str:
        """Once it is no longer alive, why: "guest-shutdown", "guest-reset", or empty: QEMU died."""
        return self._qmp.shutdown_reason()

    def complaint(self) -> str:
        """What QEMU itself said."""
        with suppress(OSError):
            return (self.folder / ERRORS).read_text(errors="replace").strip()[-2000:]
        return ""

    def press_power_button(self) -> None:
        with suppress(OSError):
            self._qmp.execute("system_powerdown")

    def stop(self) -> None:
        """Switch it off at once."""
        self._stack.close()
        (self.folder / QMP).unlink(missing_ok=True)

    def dial(self, port: int, timeout: float) -> socket.socket:
        """A connection to the guest's port that looks open at once, whether or not the guest answers."""
        return self._confined.dial(self._qmp.forward(port), timeout)

    def accepted(self, port: int) -> bool:
        """Is there a connection to that port which the guest has accepted?"""
        return "ESTABLISHED" in self._qmp.connections(port)

    def connect(self, port: int, timeout: float) -> socket.socket:
        """A connection that the guest has accepted. OSError when it refuses, or does not answer in time."""
        end = time.monotonic() + timeout
        connection = self.dial(port, timeout)
        try:
            while time.monotonic() < end:
                if _closed(connection):
                    raise ConnectionRefusedError(f"nothing listens on port {port}")
                states = self._qmp.connections(port)
                if "ESTABLISHED" in states and "SYN_SENT" not in states:
                    connection.settimeout(timeout)
                    return connection
                time.sleep(0.02)
            raise TimeoutError(f"port {port} did not answer within {timeout:.0f} s")
        except BaseException:
            connection.close()
            raise

    def console_text(self) -> str:
        """The end of what the serial port has shown, over all starts."""
        try:
            with (self.folder / CONSOLE).open("rb") as file:
                file.seek(max(0, os.fstat(file.fileno()).st_size - CONSOLE_KEPT))
                return _plain(file.read(CONSOLE_KEPT))
        except FileNotFoundError:
            return ""

    def show_console(self, context: Context) -> None:
        """Pass on what the serial port has shown since the last call, so that the log has it."""
        with suppress(FileNotFoundError), (self.folder / CONSOLE).open("rb") as file:
            file.seek(self._shown)
            if text := file.read(CONSOLE_KEPT):
                self._shown += len(text)
                context.console.write(_plain(text))


def _plain(text: bytes) -> str:
    """Without the escape sequences that colour a terminal and move its cursor."""
    return re.sub(r"\x1b(\[[0-9;?]*[@-~]|c|[()].)", "", text.decode(errors="replace"))


def check_resources(hardware: Hardware, folder: Path) -> None:
    """WorkerError when the machine does not fit: a host that swaps or is full spoils every build on it."""
    needed = hardware.size.memory + OVERHEAD
    available = free_memory()
    if available < needed:
        raise WorkerError(
            f"The machine needs {needed // MIB} MiB of memory, this worker has {available // MIB} MiB left.",
            hint="Lower `size.memory`, or run fewer builds at once on this worker.",
        )
    free = shutil.disk_usage(folder).free
    if free < hardware.size.disk:
        raise WorkerError(
            f"The machine's disk can grow to {hardware.size.disk // MIB} MiB; this worker has "
            f"{free // MIB} MiB left at {folder}.",
            hint="Lower `size.disk`, or free some space on this worker.",
        )


def sweep(work: Path) -> None:
    """Kill the guests that a dead worker has left in this work folder, each known by its own pid file."""
    for file in work.glob(f"*/{PID}"):
        with suppress(OSError, ValueError):
            pid, started = file.read_text().split()
            if _started(int(pid)) == started:  # else the number belongs to another process by now
                os.kill(int(pid), signal.SIGKILL)


def _write_pid(file: Path, pid: int) -> None:
    file.write_text(f"{pid} {_started(pid)}\n")


def _started(pid: int) -> str:
    """Tells a process from an earlier or later one of the same number: this boot, and when it began."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    ticks = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    return f"{boot}:{ticks}"


def _closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
