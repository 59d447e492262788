"""A simulated machine as the engine sees it: a real Debian, with systemd, apt and OpenSSH, that boots in seconds."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

from builds.engine.context import Context
from builds.engine.seed import KeyPair
from builds.engine.session import login
from builds.engine.ssh import SshMachine
from tests.simulators import login as simulated
from tests.simulators.machine import Identity, Machine, Subnet


class DebianMachine(SshMachine):
    """Reached as machines on clouds are: as a user who may become root."""

    def __init__(self, machine: Machine, key: KeyPair) -> None:
        super().__init__("admin")
        self.machine = machine
        with simulated.login(machine.address, key.load()) as client:  # as soon as it answers
            simulated.run(client, "sudo -n cloud-init status --wait")
        self.attach(login(self.connect(22), "admin", key.load(), ""))

    def connect(self, port: int, timeout: float = 5.0) -> socket.socket:
        return socket.create_connection((self.machine.address, port), timeout)

    def reboot(self, context: Context) -> None:
        raise NotImplementedError

    def console_text(self) -> str:
        return self.machine.console.read_text(errors="replace")


@contextlib.contextmanager
def debian_machine(disk: Path, folder: Path) -> Iterator[DebianMachine]:
    """Booted from a copy of the disk; gone afterwards."""
    copy, key = folder / "disk.raw", KeyPair.generate()
    subprocess.run(["cp", "--sparse=always", disk, copy], check=True)
    with contextlib.closing(Subnet.claim()) as subnet:
        identity = Identity(hostname="guest", keys=(key.public,))
        simulated_machine = Machine(copy, subnet.address(), console=folder / "console", identity=identity)
        simulated_machine.start()
        try:
            machine = DebianMachine(simulated_machine, key)
            yield machine
            machine.detach()
        finally:
            simulated_machine.kill()
            copy.unlink()
