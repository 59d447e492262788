"""Waiting until a guest that was switched on answers over SSH, or until it is clear that it will not."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import paramiko

from ...context import Context
from ...errors import BuildError, WorkerError
from ...ssh import Refused, login
from .guest import Guest

SSH = 22
RESTARTS = 2  # how often a machine may restart itself while it boots: some images do once
PROBES = 4  # connections that wait for an answer at once; small SSH servers allow five
NOT_BOOTABLE = "No bootable device"  # as the firmware says it


@dataclass
class Arrival:
    """Who is expected. `host_key` is empty when it is not known: then the first one that is shown is taken."""

    user: str
    key: paramiko.PKey
    host_key: str = ""

    def wait(self, guest: Guest, limit: float, context: Context) -> paramiko.Transport:
        """A session, as soon as the guest gives one. BuildError that tells a guest that does not boot from one that does
        not answer after `limit` seconds; the machine's console goes to the context's."""
        began = time.monotonic()
        restarts = 0
        refused = ""
        answered = False
        while True:
            with closing(_Probes(guest, began)) as probes:
                while time.monotonic() - began < limit:
                    context.check()
                    guest.show_console(context)
                    if not guest.alive or NOT_BOOTABLE in guest.console_text():
                        break
                    if connection := probes.answer():
                        answered = True
                        try:
                            return login(connection, self.user, self.key, self.host_key)
                        except Refused as error:  # its first boot may not have taken the seed in yet
                            refused = str(error)
                            context.wait(0.5)
                        except (paramiko.SSHException, OSError, EOFError):
                            context.wait(0.2)
            guest.show_console(context)
            if not guest.alive and guest.ended() == "guest-reset" and restarts < RESTARTS:
                restarts += 1
                guest.start(context)
                continue
            raise _reason(guest, limit, probes.refused, answered, refused)


def _reason(guest: Guest, limit: float, up: bool, answered: bool, refused: str) -> BuildError | WorkerError:
    console = guest.console_text().rstrip()
    last = "\n".join(f"  {line}" for line in console.splitlines()[-20:]) or "  (nothing)"
    said = f"Its console said last:\n{last}"
    if not guest.alive:
        if not (why := guest.ended()):
            return WorkerError(
                f"QEMU died while the machine booted: {guest.complaint() or 'it was killed'}\n{said}"
            )
        did = "switched itself off" if why == "guest-shutdown" else "restarted itself again and again"
        return BuildError(f"The machine {did} while it booted. {said}", hint="Does the base boot elsewhere?")
    if NOT_BOOTABLE in console:
        return BuildError(
            f"The machine does not boot: its firmware finds no boot loader on the disk. {said}",
            hint="The base must be a whole disk with a BIOS boot loader, not a file system or an installer.",
        )
    if refused:
        return BuildError(
            f"The machine answers over SSH, but {refused}. {said}",
            hint="The login comes in on a NoCloud volume: the base needs cloud-init, or something else that reads it.",
        )
    if answered:
        return BuildError(
            f"The machine's SSH server answers, but no session could be opened within {limit:.0f} s. {said}"
        )
    if up or "login:" in console:
        return BuildError(
            f"The machine boots, but no SSH server answered within {limit:.0f} s. {said}",
            hint="Is an SSH server installed and enabled, and does the machine take its address by DHCP?",
        )
    return BuildError(
        f"The machine did not boot within {limit:.0f} s: nothing answers on its network. {said}",
        hint="Raise `limits.boot` if it was on its way. Its kernel needs `console=ttyS0` to be heard here.",
    )


class _Probes:
    """Overlapping attempts to reach the SSH server.

    A connection to a guest that is not up yet looks open and stays silent, and a guest in software may take seconds to
    say its first word: so each attempt may wait a while, longer as time goes by, and the next begins before it ends.
    """

    def __init__(self, guest: Guest, began: float) -> None:
        self._guest = guest
        self._began = began
        self.refused = False
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
        for key, _ in self._selector.select(0.05):
            probe = self._named(key.fileobj)
            if probe:
                return probe
        return None

    def _try(self, until: float) -> None:
        try:
            probe = self._guest.dial(SSH, timeout=2)
        except OSError:
            return
        probe.setblocking(False)
        self._until[probe] = until
        self._selector.register(probe, selectors.EVENT_READ)

    def _named(self, probe: object) -> socket.socket | None:
        assert isinstance(probe, socket.socket)
        try:
            said = probe.recv(4, socket.MSG_PEEK)
        except OSError:
            said = b""
        if said != b"SSH-":
            if not said:
                self.refused = True  # by the guest's own network: nothing else would end the connection
                self._drop(probe)
            return None
        self._selector.unregister(probe)
        del self._until[probe]
        probe.setblocking(True)
        return probe

    def _drop(self, probe: socket.socket) -> None:
        self._selector.unregister(probe)
        del self._until[probe]
        probe.close()

    def close(self) -> None:
        for probe in list(self._until):
            self._drop(probe)
        self._selector.close()
