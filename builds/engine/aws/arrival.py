"""Waiting until an instance answers over SSH and has proved who it is, or until it is clear that it will not."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import paramiko

from ..context import Context
from ..errors import BuildError, TimedOut
from ..session import Refused, describe, login
from . import console
from .session import Client

LOOK = 3.0  # seconds between two looks at the console and the instance's state
SLICE = 0.2  # seconds for which nothing watches whether the build was cancelled
PATIENCE = 20.0  # seconds for one attempt, once somebody answers
DIAL = 5.0  # seconds until somebody answers
KEYLESS = 240.0  # seconds for which a machine may answer before its console has shown its host keys
NAME = b"SSH-"  # what a server says first


class Arrival:
    """Who comes to which machine. `host_key` is empty while it is not known."""

    def __init__(self, ec2: Client, instance: str, address: str, port: int, user: str, key: paramiko.PKey) -> None:
        self.ec2, self.instance, self.address, self.port = ec2, instance, address, port
        self.user, self.key = user, key
        self.host_key = ""
        self.trusting = False
        """Believe whoever answers first."""
        self.evidence = ""
        """How far the machine came, as far as its network shows."""

    def wait(self, check: Callable[[], None], context: Context) -> paramiko.Transport:
        """A session, as soon as the machine gives one. `check` raises when the instance is not running any more."""
        self.evidence = f"nothing answers at {self.address}, port {self.port}"
        looked, answered = 0.0, 0.0
        try:
            while True:
                now = time.monotonic()
                if now - looked > LOOK:
                    looked = now
                    check()
                    self._look_for_host_key()
                if connection := dial(self.address, self.port, context):
                    answered = answered or time.monotonic()
                    if transport := self._enter(connection):
                        return transport
                    if not self._known and time.monotonic() - answered > KEYLESS:
                        raise self._keyless()
                context.wait(SLICE)
        except TimedOut as late:
            raise self._too_late(late) from late

    @property
    def _known(self) -> bool:
        return bool(self.host_key) or self.trusting

    def _look_for_host_key(self) -> None:
        if not self._known:
            self.host_key = console.host_key(console.read(self.ec2, self.instance))

    def _enter(self, connection: socket.socket) -> paramiko.Transport | None:
        if not self._known:
            connection.close()
            self.evidence = "its SSH server answers, but its console has not shown its host keys yet"
            return None
        self.evidence = "its SSH server answers, but opens no session"
        try:
            transport = login(connection, self.user, self.key, self.host_key, PATIENCE)
        except Refused as error:  # its first boot may not have put our key in place yet
            self.evidence = f"its SSH server answers, but {error}"
        except (paramiko.SSHException, OSError, EOFError):
            pass
        else:
            self.host_key = self.host_key or describe(transport.get_remote_server_key())
            return transport
        return None

    def _keyless(self) -> BuildError:
        return BuildError(
            f"The console of {self.instance} shows no SSH host keys: nobody can tell whether it is this machine "
            f"that answers at {self.address}. {self.said()}",
            hint="Images with cloud-init show them. With `host_key: trust-first` whoever answers first is believed: "
            "in a private subnet that may be good enough.",
        )

    def _too_late(self, late: TimedOut) -> TimedOut:
        if self.evidence.startswith("nothing"):
            hint = "Does the subnet have a route to this worker, and does the image run an SSH server on `ssh_port`?"
        elif "does not let" in self.evidence:
            hint = "Is `ssh_user` the image's user? Debian: admin, Ubuntu: ubuntu, others: ec2-user."
        else:
            hint = "If it was on its way: raise `limits.boot`."
        return TimedOut(f"{late.message} The instance {self.instance} runs: {self.evidence}. {self.said()}", hint=hint)

    def said(self) -> str:
        lines = console.glance(self.ec2, self.instance).rstrip().splitlines()[-20:]
        return "Its console said last:\n" + ("\n".join(f"  {line}" for line in lines) or "  (nothing)")


def dial(address: str, port: int, context: Context) -> socket.socket | None:
    """A connection on which an SSH server has said its name; None when there is none for now."""
    end = time.monotonic() + DIAL
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        with suppress(BlockingIOError):
            connection.connect((address, port))
        while time.monotonic() < end:
            context.check()
            if select.select([connection], [], [], SLICE)[0]:
                if connection.recv(len(NAME), socket.MSG_PEEK) != NAME:
                    break
                connection.setblocking(True)
                return connection
    except OSError:
        pass
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None
