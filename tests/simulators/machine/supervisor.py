"""Runs one machine and everything that belongs to it, until it is off.

this program ┬ boot.sh ─ systemd-nspawn ─ the machine's init     in namespaces that die with this program
             ├ slirp4netns: the way out to the internet          dies with this program
             └ removes the control groups when this program is gone, however it went
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from . import network
from .groups import control_groups
from .handle import Identity
from .partition import grown, root_of
from .seed import seed

HERE = Path(__file__).parent
AGAIN = 0.5  # seconds after which init is asked again: early in its life it does not listen
# The network is there before the machine is, and it may not change it: these would wait for DHCP, or fail.
UNWANTED = (
    "ifupdown-pre.service",
    "networking.service",
    "NetworkManager.service",
    "systemd-networkd.service",
    "systemd-networkd-wait-online.service",
)
TOGETHER = ("setpriv", "--pdeathsig", "KILL", "--")
APART = "unshare --mount --net --pid --fork --kill-child --mount-proc --propagation private --"
JOIN = f'for group; do echo $$ > "$group/cgroup.procs"; done; exec {APART} sh "$HERE/boot.sh"'


class Supervisor:
    def __init__(self, disk: Path, address: str, console: Path, identity: Identity, ssh: bool) -> None:
        if os.geteuid() != 0:
            raise RuntimeError("Simulated machines need root: they mount disks and make networks.")
        self._disk = disk.resolve()
        self._address = address
        self._console = console
        self._identity = identity
        self._masked = UNWANTED if ssh else (*UNWANTED, "ssh.service", "ssh.socket", "sshd.service")

    def run(self, booting: threading.Event) -> int:
        """To the machine's end: 0 when it powered off. `booting` is set when its network is up."""
        found = root_of(self._disk)
        root = grown(self._disk, found)
        env = {
            "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin",
            "HERE": str(HERE),
            "PYTHON": sys.executable,
            "NAME": self._identity.hostname,
            "DISK": str(self._disk),
            "ROOT_OFFSET": str(root.offset),
            "ROOT_SIZE": str(root.size),
            "GROWN": "no" if root == found else "yes",
            "RESOLVER": network.RESOLVER,
            "ARGUMENTS": " ".join(f"systemd.mask={unit}" for unit in self._masked),
        }
        with ExitStack() as stack:
            groups = stack.enter_context(control_groups(f"slipway-{self._address}-{os.getpid()}"))
            console = stack.enter_context(self._console.open("ab", 0))
            argv = [*TOGETHER, "sh", "-c", JOIN, "join", *map(str, groups)]
            process = subprocess.Popen(argv, env=env, stdin=subprocess.PIPE, stdout=console, stderr=console)
            stack.callback(process.wait)
            stack.callback(process.kill)
            inside = _child(process)
            network.connect(self._address, inside)
            stack.enter_context(network.way_out(inside))
            signal.signal(
                signal.SIGTERM, lambda *_: threading.Thread(target=power_off, args=[inside], daemon=True).start()
            )
            booting.set()
            process.communicate(seed(self._identity))  # which boot.sh waits for
            return process.returncode


def _child(process: subprocess.Popen[bytes]) -> int:
    """The first process in the namespaces."""
    while process.poll() is None:
        if found := _children(process.pid):
            return found[0]
        time.sleep(0.005)
    raise RuntimeError("The machine's namespaces cannot be made; its console says why.")


def power_off(inside: int) -> None:
    """Ask the machine's init, until it is gone."""
    while Path(f"/proc/{inside}/cwd").exists():
        with contextlib.suppress(OSError):  # it may end at any moment
            if init := _init(inside):
                systemd = Path(f"/proc/{init}/comm").read_text().strip() == "systemd"
                os.kill(init, signal.SIGRTMIN + 4 if systemd else signal.SIGUSR2)  # SIGUSR2: busybox's
                time.sleep(AGAIN)
        time.sleep(0.05)


def _init(pid: int) -> int | None:
    """The process that is the first of a namespace in the machine's: there, and there only, its number is 1."""
    for child in _children(pid):
        numbers = next(
            line.split()[1:] for line in Path(f"/proc/{child}/status").read_text().splitlines() if line[:6] == "NSpid:"
        )
        if len(numbers) == 3 and numbers[-1] == "1":
            return child
        if found := _init(child):
            return found
    return None


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
