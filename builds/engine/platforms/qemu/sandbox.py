"""Where QEMU runs: in namespaces of its own, with no files but its own and no way to the host's services.

    worker ─ door.sock ─ socat ─ loopback ─┐
                                           ├─ QEMU (slirp) ─ guest
    internet ─ slirp4netns ─ tap0 ─ routes ┘

The guest's 10.0.2.2 is the sandbox's loopback, which is empty. Addresses of the host and of clouds' metadata
services have no route. When the worker dies, everything in the sandbox dies.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from ... import command
from ...command import Child, find
from ...console import Console
from ...errors import WorkerError

HERE = Path(__file__).parent
ERRORS = "qemu.err"
METADATA = (
    "169.254.0.0/16",
    "100.100.100.200/32",
    "168.63.129.16/32",
    "192.0.0.192/32",
)  # AWS…, Alibaba, Azure, Oracle
# slirp4netns's own network, out of a range that is reserved for documentation: no real one is hidden by it.
CIDR, RESOLVER = "192.0.2.0/24", "192.0.2.3"
MARGIN = 256 * 1024 * 1024  # what a file of the guest may be larger than its disk: the qcow2's tables, and a console


class Confinement(ABC):
    """How QEMU is run: `start` it in the machine's folder, `dial` a port on its loopback."""

    @abstractmethod
    def start(self, argv: Sequence[str], stack: ExitStack, console: Console) -> Child:
        """Run QEMU; the stack ends it and all that belongs to it."""

    @abstractmethod
    def dial(self, port: int, timeout: float) -> socket.socket:
        """A connection to that TCP port on QEMU's loopback."""


def confinement(folder: Path, readable: Sequence[Path], outside: bool, kvm: bool, disk: int) -> Confinement:
    if os.environ.get("SLIPWAY_SANDBOX") == "off":
        return Unconfined(folder)
    return Sandbox(folder, readable, outside, kvm, disk)


class Sandbox(Confinement):
    def __init__(self, folder: Path, readable: Sequence[Path], outside: bool, kvm: bool, disk: int) -> None:
        self._folder = folder
        self._readable = readable
        self._outside = outside
        self._kvm = kvm
        self._limit = (disk + MARGIN) // 512  # ulimit -f counts blocks of 512 bytes

    def start(self, argv: Sequence[str], stack: ExitStack, console: Console) -> Child:
        told, info = _pipe(stack)
        gate, go = _pipe(stack)
        (self._folder / "door.sock").unlink(missing_ok=True)
        (self._folder / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
        routes = [*METADATA, *own_addresses()] if self._outside else []
        with (self._folder / ERRORS).open("wb") as errors:
            inside = ["sh", "/run/enter.sh", str(self._limit), *routes, "--", *argv]
            bwrap = [
                *self._bwrap(),
                "--info-fd",
                str(info.fileno()),
                "--block-fd",
                str(gate.fileno()),
                "--",
                *inside,
            ]
            child = stack.enter_context(
                Child(bwrap, pass_fds=(info.fileno(), gate.fileno()), stdout=errors, stderr=errors)
            )
        info.close()
        gate.close()
        said = told.read()
        if not said:
            child.wait(5)
            raise WorkerError(
                f"The sandbox does not start:\n{self._errors()}",
                hint="Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1, on Ubuntu also "
                "kernel.apparmor_restrict_unprivileged_userns=0. Where that cannot be, and all templates are "
                "trusted, SLIPWAY_SANDBOX=off runs machines without a sandbox.",
            )
        if self._outside:
            self._connect(json.loads(said)["child-pid"], stack)
        go.write(b"\n")
        return child

    def _bwrap(self) -> list[str]:
        # Its own first process shows what it was started with to all inside: that must not be the worker's environment.
        argv = ["env", "-i", find("bwrap"), "--unshare-all", "--uid", "0", "--gid", "0", "--die-with-parent"]
        # Needed for the routes, and for giving up everything afterwards.
        argv += ["--cap-add", "CAP_NET_ADMIN", "--cap-add", "CAP_SETPCAP"]
        argv += ["--setenv", "PATH", "/usr/sbin:/usr/bin", "--ro-bind", "/usr", "/usr"]
        for name in ("bin", "sbin", "lib", "lib64"):
            argv += ["--symlink", f"usr/{name}", f"/{name}"]
        argv += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]  # noqa: S108 -- the sandbox's own
        if self._kvm:
            argv += ["--dev-bind", "/dev/kvm", "/dev/kvm"]
        for path in self._readable:
            argv += ["--ro-bind", str(path), str(path)]
        for script in ("enter.sh", "door.sh"):
            argv += ["--ro-bind", str(HERE / script), f"/run/{script}"]
        argv += ["--ro-bind", str(self._folder / "resolv.conf"), "/etc/resolv.conf"]
        return [*argv, "--bind", str(self._folder), "/machine", "--chdir", "/machine"]

    def _connect(self, pid: int, stack: ExitStack) -> None:
        ready, say = _pipe(stack)
        live, _ = _pipe(stack)  # slirp4netns ends when our end is closed
        argv = ["slirp4netns", "--configure", "--mtu=65520", f"--cidr={CIDR}", "--disable-host-loopback"]
        argv += [
            "--enable-seccomp",
            f"--userns-path=/proc/{pid}/ns/user",
            f"--ready-fd={say.fileno()}",
            f"--exit-fd={live.fileno()}",
        ]
        with (self._folder / "network.err").open("wb") as errors:
            network = [*argv, str(pid), "tap0"]
            child = stack.enter_context(
                Child(network, pass_fds=(say.fileno(), live.fileno()), stdout=errors, stderr=errors)
            )
        say.close()
        live.close()
        if ready.read(1) != b"1":
            with contextlib.suppress(TimeoutError):
                child.wait(2)
            raise WorkerError(
                "The machine's network does not start:\n" + (self._folder / "network.err").read_text(errors="replace"),
                hint="slirp4netns needs /dev/net/tun: modprobe tun, or pass the device to this container.",
            )

    def _errors(self) -> str:
        return (self._folder / ERRORS).read_text(errors="replace").strip()

    def dial(self, port: int, timeout: float) -> socket.socket:
        connection = connect_unix(self._folder / "door.sock", timeout)
        connection.sendall(f"{port}\n".encode())
        return connection


class Unconfined(Confinement):
    """For hosts without namespaces, when the operator asks for it. QEMU keeps its own system call filter."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def start(self, argv: Sequence[str], stack: ExitStack, console: Console) -> Child:
        console.fact("sandbox", "off: machines can reach what listens on this host")
        with (self._folder / ERRORS).open("wb") as errors:
            return stack.enter_context(Child(argv, cwd=self._folder, stdout=errors, stderr=errors))

    def dial(self, port: int, timeout: float) -> socket.socket:
        return socket.create_connection(("127.0.0.1", port), timeout)


def own_addresses() -> list[str]:
    """The host's own addresses, as routes: what listens on them is not for guests. Loopback has none.

    Several interfaces may have the same, such as one's end of many point-to-point links; a route cannot be set twice.
    """
    interfaces = json.loads(command.run(["ip", "-json", "-4", "address"]))
    addresses = {entry["local"] for each in interfaces for entry in each.get("addr_info", []) if "local" in entry}
    return [f"{address}/32" for address in sorted(addresses) if not address.startswith(("127.", "169.254."))]


def connect_unix(path: Path, timeout: float) -> socket.socket:
    """Connect to a unix socket, however long its path: the system takes 107 bytes of one."""
    folder = os.open(path.parent, os.O_PATH)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(timeout)
        connection.connect(f"/proc/self/fd/{folder}/{path.name}")
    except BaseException:
        connection.close()
        raise
    finally:
        os.close(folder)
    return connection


def _pipe(stack: ExitStack) -> tuple[IO[bytes], IO[bytes]]:
    """A pipe, its reading end first; both are closed at the latest with the stack."""
    read, write = os.pipe()
    return stack.enter_context(os.fdopen(read, "rb", 0)), stack.enter_context(os.fdopen(write, "wb", 0))
