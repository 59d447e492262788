"""The machine that an instance is to the rest of the engine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from ..context import Context
from ..errors import BuildError, SlipwayError
from ..machine import RESTART
from ..seal import seal
from ..ssh import SshMachine
from . import console, network, state
from .arrival import Arrival

# Another boot has another id; of the two, a container that shares its host's kernel changes only the second.
BOOT = "cat /proc/sys/kernel/random/boot_id; cut -d ' ' -f 22 /proc/1/stat"
WATCH = 10.0  # seconds between two looks at whether the instance still runs
STOP = 600.0  # seconds; EC2 pulls the plug some minutes after it has asked
POLL = 1.0


class Ec2Machine(SshMachine):
    def __init__(self, arrival: Arrival, group: str, source: str, *, spot: bool) -> None:
        """`group`: its security group; `source`: the network from which the worker comes."""
        super().__init__(arrival.user)
        self.ssh_port = arrival.port
        self.id = arrival.instance
        self.region = arrival.ec2.region
        self.spot = spot
        """Whether AWS may take it back."""
        self._ec2 = arrival.ec2
        self._arrival = arrival
        self._group = group
        self._source = source
        self._open = {arrival.port}

    def arrive(self, began: float, context: Context) -> None:
        """Wait until it answers."""
        self.attach(self._arrival.wait(self.check, context))
        self.boot_seconds = time.monotonic() - began

    def check(self) -> None:
        """Raises BuildError that says why it does not run."""
        state.expect_running(state.describe(self._ec2, self.id))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A machine that is taken away says no goodbye: its session is closed as soon as EC2 tells."""
        done = threading.Event()

        def watch() -> None:
            while not done.wait(WATCH):
                try:
                    self.check()
                except state.NotRunning:
                    self.detach()
                    return
                except SlipwayError:
                    continue

        thread = threading.Thread(target=watch, name=f"watch {self.id}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            done.set()
            thread.join()

    def connect(self, port: int, timeout: float = 5.0) -> socket.socket:
        if port not in self._open:
            network.let_in(self._ec2, self._group, port, self._source)
            self._open.add(port)
        return socket.create_connection((self._arrival.address, port), timeout)

    def console_text(self) -> str:
        return console.glance(self._ec2, self.id)

    def reboot(self, context: Context) -> None:
        before = self.boot(context)
        self.leave(RESTART, context)
        self.arrive_again(before, context)

    def boot(self, context: Context) -> str:
        """Which of its boots this is."""
        return self.expect(BOOT, context)

    def arrive_again(self, before: str, context: Context) -> None:
        """Wait until it answers after it restarted. `before`: the boot that ends with that."""
        while True:
            self.arrive(time.monotonic(), context)
            with suppress(BuildError):  # it may still be on its way down
                if self.boot(context) != before:
                    return
            context.wait(POLL)

    @property
    def login(self) -> str:
        """The blob of the public key that was put into it for us."""
        return self._arrival.key.get_base64()

    def seal(self, context: Context) -> None:
        """Remove what is this machine's own, and what let us in."""
        seal(self, context, self.login)
        self.detach()

    def stop(self, context: Context) -> None:
        """Shut it down. One-time spot instances cannot be stopped: CreateImage shuts them down itself."""
        if self.spot:
            return
        self._ec2.stop_instances(InstanceIds=[self.id])
        limited = context.within(STOP, f"Stopping the instance {self.id}")
        while (found := state.describe(self._ec2, self.id))["State"]["Name"] != "stopped":
            if found["State"]["Name"] in state.ENDED:
                raise state.why(found)
            limited.wait(POLL)

    def _broken(self, error: Exception | None) -> NoReturn:
        try:
            self.check()
        except state.NotRunning as gone:
            raise gone from error
        except SlipwayError:
            pass
        super()._broken(error)
