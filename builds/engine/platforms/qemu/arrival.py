"""Waiting until a guest that was switched on answers over SSH, or until it is clear that it will not."""

from __future__ import annotations

import selectors
import socket
import time
from contextlib import closing
from dataclasses import dataclass

import paramiko

from ...context import Context
from ...errors import BuildError, TimedOut, WorkerError
from ...session import Refused, describe, login
from .guest import Guest

SSH = 22
NAME = b"SSH-"  # what its server says first
RESTARTS = 2  # how often a machine may restart itself while it boots: some images do once
PROBES = 4  # connections that wait for an answer at once; small SSH servers allow five
NOT_BOOTABLE = "No bootable device"  # as the firmware says it


@dataclass
class Arrival:
    """Who comes, and whom to expect. `host_key` is empty while it is not known: any will do."""

    user: str
    key: paramiko.PKey
    host_key: str = ""
    other_key: paramiko.PKey | None = None
    """Tried in turn with the first, where nobody knows which of them opens the machine."""

    def wait(self, guest: Guest, context: Context) -> paramiko.Transport:
        """A session, as soon as the guest gives one; meanwhile its console is shown.

        BuildError that tells a guest that does not boot from one that does not let us in, at the context's
        deadline or as soon as it is clear.
        """
        restarts = 0
        while True:
            with closing(_Probes(guest)) as probes:
                try:
                    while guest.alive and NOT_BOOTABLE not in guest.console_text():
                        context.check()
                        guest.show_console(context)
                        if transport := self._enter(probes, context):
                            self.host_key = self.host_key or describe(transport.get_remote_server_key())
                            return transport
                except TimedOut as late:
                    guest.show_console(context)
                    raise _too_late(late, guest, probes) from late
            guest.show_console(context)
            if guest.alive or guest.ended() != "guest-reset" or restarts == RESTARTS:
                raise _hopeless(guest)
            restarts += 1
            guest.start(context)

    def _enter(self, probes: _Probes, context: Context) -> paramiko.Transport | None:
        if connection := probes.answer():
            probes.evidence = "its SSH server answers, but opens no session"
            try:
                return login(connection, self.user, self.key, self.host_key)
            except Refused as error:  # its first boot may not have taken the seed in yet
                probes.evidence = f"its SSH server answers, but {error}"
                if self.other_key:
                    self.key, self.other_key = self.other_key, self.key
                context.wait(0.5)
            except (paramiko.SSHException, OSError, EOFError):
                context.wait(0.2)
        return None


def _too_late(late: TimedOut, guest: Guest, probes: _Probes) -> TimedOut:
    evidence = probes.evidence
    if not evidence and "login:" in guest.console_text():
        evidence = "its console asks for a login, but nothing answers on its network"
    if evidence:
        return TimedOut(
            f"{late.message} The machine boots: {evidence}. {_said(guest)}",
            hint="It needs an SSH server, DHCP, and cloud-init to read the login of the NoCloud volume.",
        )
    return TimedOut(
        f"{late.message} The machine did not boot: nothing answers on its network. {_said(guest)}",
        hint="If it was on its way: raise `limits.boot`. Its kernel needs `console=ttyS0` to be heard here.",
    )


def _hopeless(guest: Guest) -> BuildError | WorkerError:
    if guest.alive:
        return BuildError(
            f"The machine does not boot: its firmware finds no boot loader on the disk. {_said(guest)}",
            hint="The base must be a whole disk with a BIOS boot loader, not a file system or an installer.",
        )
    if why := guest.ended():
        did = "restarted itself again and again" if why == "guest-reset" else "switched itself off"
        return BuildError(f"The machine {did} while it booted. {_said(guest)}", hint="Does the base boot elsewhere?")
    return WorkerError(
        f"QEMU died while the machine booted: {guest.complaint() or 'it was killed'}",
        hint="The kernel's log (dmesg) says whether this worker ran out of memory.",
    )


def _said(guest: Guest) -> str:
    lines = guest.console_text().rstrip().splitlines()[-20:]
    return "Its console said last:\n" + ("\n".join(f"  {line}" for line in lines) or "  (nothing)")


class _Probes:
    """Overlapping attempts to reach the SSH server.

    A connection to a guest that is not up yet looks open and stays silent, and an emulated one may take
    seconds to say its first word: each attempt may wait, longer as time goes by, and the next overlaps it.
    """

    def __init__(self, guest: Guest) -> None:
        self.evidence = ""
        """How far the guest came, as far as its network shows."""
        self._guest = guest
        self._began = time.monotonic()
        self._next = 0.0
        self._until: dict[socket.socket, float] = {}
        self._selector = selectors.DefaultSelector()

    def answer(self) -> socket.socket | None:
        """Wait for a moment; the connection on which an SSH server has said its name."""
        now = time.monotonic()
        patience = 2 + 0.1 * (now - self._began)
        for probe in [probe for probe, until in self._until.items() if until < now]:
            self._drop(probe)
        if now >= self._next and len(self._until) < PROBES:
            self._next = now + patience / PROBES
            self._try(now + patience)
        if not self._until:
            time.sleep(0.05)
        ready = {key.fd for key, _ in self._selector.select(0.05)}
        for probe in [probe for probe in self._until if probe.fileno() in ready]:
            if named := self._named(probe):
                return named
        return None

    def _try(self, until: float) -> None:
        try:
            if self._guest.accepted(SSH):
                return  # its server is about to speak: another session to begin would only keep it longer
            probe = self._guest.dial(SSH, timeout=2)
        except OSError:
            return
        probe.setblocking(False)
        self._until[probe] = until
        self._selector.register(probe, selectors.EVENT_READ)

    def _named(self, probe: socket.socket) -> socket.socket | None:
        try:
            said = probe.recv(len(NAME), socket.MSG_PEEK)
        except OSError:
            said = b""
        if said == NAME:
            self._selector.unregister(probe)
            del self._until[probe]
            probe.setblocking(True)
            return probe
        if not NAME.startswith(said) or not said:
            # Only the guest itself ends a connection early.
            self.evidence = self.evidence or "no SSH server listens"
            self._drop(probe)
        return None

    def _drop(self, probe: socket.socket) -> None:
        self._selector.unregister(probe)
        del self._until[probe]
        probe.close()

    def close(self) -> None:
        for probe in list(self._until):
            self._drop(probe)
        self._selector.close()
