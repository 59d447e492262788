"""A running machine, reached over SSH at the address that its VMware Tools tell."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import paramiko
from pyVmomi import vmodl

from ..context import Context
from ..errors import BuildError, SlipwayError, TimedOut
from ..machine import POWER_OFF, RESTART
from ..seed import Seed
from ..session import Refused, describe, login
from ..ssh import SshMachine
from . import tasks
from .errors import explained
from .machines import Owned

LOOK = 0.5  # seconds between two looks at the guest
CONNECT = 5.0  # seconds
GREETING = 15.0  # seconds
SEEN = ("runtime.powerState", "guest.ipAddress", "guest.net", "guest.toolsRunningStatus", "guest.toolsVersionStatus2")
INSTALL = "Install open-vm-tools in the image: a vCenter learns a machine's address only from VMware Tools in it."


@dataclass
class Access:
    """Who logs in, and whom to expect."""

    user: str
    key: paramiko.PKey | str
    """A text is a password."""
    host_key: str = ""
    """Empty: any at the first time, the same from then on."""
    seed: Seed | None = None
    """What lets us in, if the machine does not know the key already."""
    port: int = 22
    patience: float = 300
    """Seconds until it has an address."""

    @property
    def blob(self) -> str:
        """Of the public key that was put into the machine for us, if one was."""
        return self.seed.login.load().get_base64() if self.seed else ""

    @staticmethod
    def throwaway(user: str = "root", port: int = 22, patience: float = 300) -> Access:
        seed = Seed.generate()
        return Access(user, seed.login.load(), seed.host.public, seed, port, patience)


class VsphereMachine(SshMachine):
    def __init__(self, mine: Owned, access: Access, shutdown_limit: float) -> None:
        super().__init__(access.user)
        self.ssh_port = access.port
        self.mine = mine
        self.access = access
        self._shutdown_limit = shutdown_limit
        self._address = ""

    def come_back(self, context: Context) -> None:
        """Answer again, after it was shut down, or was to be."""
        if self._look().get("runtime.powerState") == "poweredOff":
            self.switch_on(context)
        else:
            self.attach(self._arrive(context))

    def switch_on(self, context: Context) -> None:
        """Start it and wait until it answers."""
        began = time.monotonic()
        doing = "Switching the machine on"
        with explained(self.mine.session, doing):
            tasks.wait(self.mine.session, self.mine.vm.PowerOnVM_Task(), context, doing)
        self.attach(self._arrive(context))
        self.boot_seconds = time.monotonic() - began

    def connect(self, port: int, timeout: float = 5.0) -> socket.socket:
        return socket.create_connection((self._address, port), timeout)

    def reboot(self, context: Context) -> None:
        before = self._boot_id(context)
        self.leave(RESTART, context)
        while True:
            context.wait(LOOK)
            self.attach(self._arrive(context))
            with suppress(BuildError):  # it has just gone down
                if self._boot_id(context) != before:
                    return
            self.detach()

    def shut_down(self, context: Context) -> None:
        """Cleanly, or BuildError: a disk that was not unmounted is no image."""
        self.leave(POWER_OFF, context)
        began = time.monotonic()
        while self._look().get("runtime.powerState") != "poweredOff":
            if time.monotonic() - began > self._shutdown_limit:
                raise BuildError(
                    f"The machine did not shut down within {self._shutdown_limit:.0f} s.",
                    hint="A machine that is switched off by force leaves a damaged file system: no image was made. "
                    "Find the service that does not stop; `TimeoutStopSec=` limits it.",
                )
            context.wait(LOOK)

    def console_text(self) -> str:
        """vSphere keeps no console; what it knows of the guest instead."""
        seen: Mapping[str, Any] = {}
        with suppress(SlipwayError, vmodl.MethodFault):
            seen = self._look()
        state = {"poweredOn": "on", "poweredOff": "off"}.get(str(seen.get("runtime.powerState")), "in an unknown state")
        return (
            f"(vSphere records no console. The machine is {state}, its VMware Tools {_tools(seen)}, "
            f"its address is {_address(seen) or 'not known'}.)\n"
        )

    def _look(self) -> Mapping[str, Any]:
        return self.mine.read(*SEEN)

    def _boot_id(self, context: Context) -> str:
        return self.expect("cat /proc/sys/kernel/random/boot_id", context)

    def _arrive(self, context: Context) -> paramiko.Transport:
        """A session, as soon as the guest gives one; BuildError that says how far it came."""
        began = time.monotonic()
        evidence = "it has told no address"
        seen: Mapping[str, Any] = {}
        try:
            while True:
                seen = self._look()
                if seen.get("runtime.powerState") == "poweredOff":
                    raise BuildError("The machine switched itself off while it booted.", hint="Does it boot elsewhere?")
                if address := _address(seen):
                    self._address = address
                    try:
                        return self._enter()
                    except Refused as error:  # its first boot may not have taken the login in yet
                        evidence = f"at {address} an SSH server answers, but {error}"
                    except (paramiko.SSHException, OSError, EOFError) as error:
                        evidence = f"at {address} nothing lets us in ({str(error) or type(error).__name__})"
                elif time.monotonic() - began > self.access.patience:
                    raise _no_address(seen, self.access.patience)
                context.wait(LOOK)
        except TimedOut as late:
            raise TimedOut(
                f"{late.message} The machine is on, VMware Tools {_tools(seen)}: {evidence}.",
                hint="The worker must reach its network, and the image must take the login: with cloud-init, or with "
                "the user and the key of the options.",
            ) from late

    def _enter(self) -> paramiko.Transport:
        transport = login(
            self.connect(self.access.port, CONNECT), self.user, self.access.key, self.access.host_key, GREETING
        )
        self.access.host_key = self.access.host_key or describe(transport.get_remote_server_key())
        return transport


def _no_address(seen: Mapping[str, Any], patience: float) -> BuildError:
    running = seen.get("guest.toolsRunningStatus") == "guestToolsRunning"
    return BuildError(
        f"The machine has no address after {patience:.0f} s: VMware Tools {_tools(seen)}.",
        hint="Is there DHCP on its network?" if running else INSTALL,
    )


def _tools(seen: Mapping[str, Any]) -> str:
    if seen.get("guest.toolsRunningStatus") == "guestToolsRunning":
        return "run"
    if seen.get("guest.toolsVersionStatus2") == "guestToolsNotInstalled":
        return "are not installed"
    return "do not run"


def _address(seen: Mapping[str, Any]) -> str:
    """The first that can be reached from elsewhere; IPv4 rather than IPv6."""
    usable = [each for each in _addresses(seen) if not (each.is_link_local or each.is_loopback)]
    return str(min(usable, key=lambda each: each.version)) if usable else ""


def _addresses(seen: Mapping[str, Any]) -> Iterator[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    texts = [seen.get("guest.ipAddress") or ""]
    for card in seen.get("guest.net") or ():
        texts += card.ipAddress or ()
    for text in texts:
        with suppress(ValueError):
            yield ipaddress.ip_address(text)
