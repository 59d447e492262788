"""The machine that a QEMU guest is to the rest of the engine."""

from __future__ import annotations

import socket
import time

import paramiko

from ...context import Context
from ...errors import BuildError, SlipwayError
from ...layers import Layer
from ...machine import POWER_OFF, RESTART
from ...seal import seal
from ...seed import Seed
from ...session import Refused, describe, load_key, login
from ...ssh import SshMachine
from . import migration, saving
from .arrival import Arrival
from .guest import Guest
from .hardware import SEED
from .resuming import awaken

# Nothing may start by itself in the middle of a build, such as apt's daily upgrade, and least of all because a clock
# jumped when a machine was resumed. Only until the next start.
NO_TIMERS = "if command -v systemctl >/dev/null; then systemctl stop '*.timer'; fi"
ANSWER = 60.0  # seconds within which the SSH server of one that was resumed takes a connection


class QemuMachine(SshMachine):
    def __init__(self, guest: Guest, arrival: Arrival, shutdown_limit: float) -> None:
        super().__init__(arrival.user)
        self.guest = guest
        self._arrival = arrival
        self._shutdown_limit = shutdown_limit

    def switch_on(self, context: Context, *, direct: bool = False) -> None:
        """Start it and wait until it answers."""
        began = time.monotonic()
        self.guest.start(context, direct=direct)
        self.attach(self._arrival.wait(self.guest, context))
        self.boot_seconds = time.monotonic() - began

    def switch_off(self) -> None:
        """At once, as if the plug were pulled. Does nothing when it is off."""
        self.detach()
        self.guest.stop()

    def connect(self, port: int, timeout: float = 5.0) -> socket.socket:
        return self.guest.connect(port, timeout)

    def console_text(self) -> str:
        return self.guest.console_text()

    def reboot(self, context: Context) -> None:
        self.leave(RESTART, context)
        self._wait_for("guest-reset", "restart", context)
        self.switch_on(context)

    def shut_down(self, context: Context) -> None:
        """Cleanly, or BuildError: a disk that was not unmounted is no image."""
        self.leave(POWER_OFF, context)
        self._wait_for("guest-shutdown", "shut down", context)
        self.switch_off()

    def seal(self, context: Context) -> None:
        """Remove what is this machine's own, and what let us in."""
        seal(self, context, self._arrival.key.get_base64())

    def _wait_for(self, reason: str, verb: str, context: Context) -> None:
        """Wait until QEMU has ended for that reason."""
        began = time.monotonic()
        pressed = False
        while self.guest.alive:
            context.wait(0.1)
            self.guest.show_console(context)
            waited = time.monotonic() - began
            if waited > self._shutdown_limit:
                raise self._stuck(verb)
            if reason == "guest-shutdown" and waited > self._shutdown_limit / 2 and not pressed:
                self.guest.press_power_button()
                pressed = True
        if (ended := self.guest.ended()) != reason:
            raise BuildError(
                f"The machine did not {verb} but ended ({ended or self.guest.complaint() or 'killed'}).\n"
                f"Its console said last:\n{self.last_lines()}"
            )

    def _stuck(self, verb: str) -> SlipwayError:
        return BuildError(
            f"The machine did not {verb} within {self._shutdown_limit:.0f} s. "
            f"Its console said last:\n{self.last_lines()}",
            hint="A machine that is switched off by force leaves a damaged file system: no image was made. "
            "Find the service that does not stop; `TimeoutStopSec=` limits it.",
        )


class BuildMachine(QemuMachine):
    """One that a build changes; its state can be kept. It was told its keys by a seed volume."""

    def __init__(self, guest: Guest, seed: Seed, instance: str, shutdown_limit: float) -> None:
        super().__init__(guest, Arrival("root", seed.login.load(), seed.host.public), shutdown_limit)
        self.seed = seed
        self.instance = instance
        """What cloud-init knows it by: with another one it would begin again."""

    def switch_on(self, context: Context, *, direct: bool = False) -> None:
        super().switch_on(context, direct=direct)
        self.run(NO_TIMERS, context, quiet=True)

    def write_seed(self, context: Context) -> None:
        self.seed.write(self.guest.folder / SEED, self.instance, context)

    def go_on(self, layer: Layer, context: Context) -> None:
        """From that state, instead of a boot."""
        began = time.monotonic()
        self.guest.start(context, direct=layer.details["direct"], paused=True)
        migration.read(self.guest.qmp, saving.memory(layer), context)
        self.guest.qmp.execute("cont")
        former = load_key((saving.folder_of(layer) / saving.LOGIN).read_text())
        # One attempt: it is up, and each one is work for an emulated machine.
        connection = self.guest.connect(self.ssh_port, ANSWER)
        try:
            self.attach(login(connection, self.user, former, layer.details["host key"]))
        except (Refused, paramiko.SSHException, EOFError) as error:
            raise BuildError(f"It opens no SSH session: {error}") from error
        awaken(self, describe(former), self.seed, context)
        self.boot_seconds = time.monotonic() - began
