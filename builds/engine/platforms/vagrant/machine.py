"""The machine that Vagrant starts, reached over our own SSH session."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import paramiko

from ...context import Context
from ...errors import BuildError, TimedOut
from ...machine import POWER_OFF, RESTART
from ...seal import seal
from ...session import Refused, describe, login
from ...ssh import SshMachine
from .access import Access
from .project import Project
from .tunnel import open_tunnel

HOST_KEYS = Path(__file__).with_name("host-keys.sh")
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
OFF = ("shutoff", "poweroff", "not_running", "stopped")


class VagrantMachine(SshMachine):
    """A box's machine has no host key that anybody could know before. It is on a network of this host: the key that
    it shows first is believed, and must be the same ever after."""

    def __init__(self, project: Project, shutdown_limit: float, needs: Mapping[str, str] | None = None) -> None:
        super().__init__("vagrant")
        self.project = project
        self.needs = needs or {}
        self._shutdown_limit = shutdown_limit
        self._access: Access | None = None
        self._host_key = ""

    def switch_on(self, context: Context) -> None:
        began = time.monotonic()
        vagrant = self.project.vagrant
        try:
            vagrant.run("up", "--no-provision", context=context)
        except TimedOut as late:
            raise TimedOut(
                f"{late.message} Vagrant said last:\n{vagrant.last_lines()}",
                hint="If it was on its way: raise `limits.boot`. A box needs an SSH server, DHCP, and the user "
                "vagrant with Vagrant's well-known key.",
            ) from late
        said = vagrant.run("ssh-config", context=context, quiet=True)
        self._access = Access.read("\n".join(line.text for line in said if line.kind == "ssh-config"))
        self.user = self._access.user
        self._enter(context)
        self.boot_seconds = time.monotonic() - began

    def connect(self, port: int, timeout: float = 5.0) -> socket.socket:
        access = self._reached()
        if access.direct:
            return socket.create_connection((access.host, port), timeout)
        if self._transport is None:
            raise ConnectionError("there is no connection to the machine")
        return open_tunnel(self._transport, port, timeout)

    def console_text(self) -> str:
        """What Vagrant said: the machine's own console is not to be had through it."""
        return self.project.vagrant.said

    def reboot(self, context: Context) -> None:
        before = self.expect(BOOT_ID, context).strip()
        self.leave(RESTART, context)
        while True:
            self._enter(context)
            with suppress(BuildError):  # it may be on its way down
                if self.expect(BOOT_ID, context).strip() != before:
                    return
            self.detach()
            context.wait(0.5)

    def seal(self, context: Context) -> None:
        """Remove what is this machine's own. Vagrant's user and well-known key stay: it is a box."""
        self.expect(HOST_KEYS.read_text(), context)
        seal(self, context)

    def shut_down(self, context: Context) -> None:
        """Cleanly, or BuildError: a disk that was not unmounted is no image."""
        self.leave(POWER_OFF, context)
        limit = context.within(self._shutdown_limit, "Shutting the machine down")
        try:
            while (state := self._state(limit)) not in OFF:
                limit.wait(0.5)
        except TimedOut as late:
            raise TimedOut(
                f"{late.message} Vagrant says that it is {state}.",
                hint="Find the service that does not stop; `TimeoutStopSec=` limits it.",
            ) from late

    def _state(self, context: Context) -> str:
        lines = self.project.vagrant.run("status", context=context, quiet=True)
        return next((line.text for line in lines if line.kind == "state"), "unknown")

    def _enter(self, context: Context) -> None:
        access = self._reached()
        problem = "it does not answer"
        while True:
            try:
                connection = socket.create_connection((access.host, access.port), 5)
                transport = login(connection, access.user, access.key(), self._host_key)
                break
            except (Refused, paramiko.SSHException, OSError, EOFError) as error:
                problem = str(error) or problem
            try:
                context.wait(0.5)
            except TimedOut as late:
                raise TimedOut(f"{late.message} Its SSH server at {access.host}: {problem}.") from late
        self._host_key = self._host_key or describe(transport.get_remote_server_key())
        self.attach(transport)

    def _reached(self) -> Access:
        if self._access is None:
            raise ConnectionError("the machine was not started")
        return self._access
