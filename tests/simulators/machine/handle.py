"""A machine as those see it who run it: start, stop, kill."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[3]


@dataclass(frozen=True)
class Identity:
    """What a cloud tells a new machine."""

    hostname: str = "machine"
    instance_id: str = ""
    """A new one makes cloud-init start over. The host name if empty."""
    user: str = "admin"
    keys: tuple[str, ...] = ()
    user_data: str = ""
    host_key: bytes = b""
    """As dropbear keeps it: the tiny disk does not read #cloud-config, where it is otherwise."""


class Machine:
    def __init__(self, disk: Path, address: str, *, console: Path, identity: Identity, ssh: bool = True) -> None:
        self.disk = disk
        self.address = address
        self.console = console
        self.identity = identity
        self.ssh = ssh
        self._process: subprocess.Popen[str] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Boot. Raises RuntimeError with the reason when the disk or this host cannot."""
        assert not self.running, "the machine runs already"
        identity = self.identity
        argv = [sys.executable, "-m", "tests.simulators.machine", "run", self.disk, "--lifeline"]
        argv += ["--address", self.address, "--console", self.console, "--hostname", identity.hostname]
        argv += ["--instance-id", identity.instance_id, "--user", identity.user]
        if not self.ssh:
            argv += ["--no-ssh"]
        for key in identity.keys:
            argv += ["--key", key]
        pipe = subprocess.PIPE
        if identity.user_data:
            data = self.console.with_name(f"{self.console.name}.user-data")
            data.write_text(identity.user_data)
            argv += ["--user-data", data]
        env = {**os.environ, "PYTHONPATH": str(PROJECT)}
        self._process = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=env)
        assert self._process.stdout
        assert self._process.stderr
        if self._process.stdout.readline() != "booting\n":
            self._process.wait()
            said = self._process.stderr.read().strip()
            self._close()
            raise RuntimeError(f"{self.disk} does not boot: {said}")

    def stop(self, patience: float = 60) -> None:
        """Power off in order; pull the plug when that takes longer than `patience` seconds."""
        if self._process:
            self._end(signal.SIGTERM, patience)

    def kill(self) -> None:
        """Pull the plug."""
        if self._process:
            self._end(signal.SIGKILL, 10)

    def wait(self, seconds: float) -> None:
        """Until it has powered off by itself; TimeoutError when it does not in time."""
        if self._process:
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired as late:
                raise TimeoutError(f"the machine at {self.address} still runs after {seconds} s") from late

    def _end(self, how: int, patience: float) -> None:
        assert self._process
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(how)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._close()
        # The kernel takes the namespaces of what was killed apart in its own time.
        while subprocess.run(["losetup", "--associated", self.disk], capture_output=True).stdout:
            time.sleep(0.01)

    def _close(self) -> None:
        assert self._process
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
