"""Addresses for machines, and the two ways of a machine's network: to this host, and out to the internet."""

from __future__ import annotations

import ipaddress
import itertools
import os
import random
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

NETWORK = ipaddress.ip_network("10.231.0.0/16")
# slirp4netns's own, out of a range that is reserved for documentation.
OUTSIDE, RESOLVER = "192.0.2.0/24", "192.0.2.3"


class Subnet:
    """A /24 of this host. The claim is a socket's name, which the kernel frees when its holder dies."""

    def __init__(self, network: ipaddress.IPv4Network, claim: socket.socket) -> None:
        self.network = network
        self._claim = claim
        self._next = itertools.count(10)

    @classmethod
    def claim(cls) -> Subnet:
        networks = list(NETWORK.subnets(new_prefix=24))
        random.shuffle(networks)
        for network in networks:
            claim = socket.socket(socket.AF_UNIX)
            try:
                claim.bind(f"\0slipway-machines-{network.network_address}")
            except OSError:
                claim.close()
                continue
            return cls(network, claim)
        raise RuntimeError(f"Every /24 of {NETWORK} is taken by simulators that run on this host.")

    def address(self) -> str:
        """One that this subnet has not given yet; after 240, it begins again."""
        return str(self.network[10 + (next(self._next) - 10) % 240])

    def close(self) -> None:
        self._claim.close()


def gateway(address: str) -> str:
    """This host, as the machine with that address sees it."""
    return str(ipaddress.ip_network(f"{address}/24", strict=False)[1])


def connect(address: str, pid: int) -> None:
    """Give the network namespace of that process the address, and this host a route to it."""
    inner = ["nsenter", f"--target={pid}", "--net", "--", "ip"]
    outer = f"sim-{int(ipaddress.ip_address(address)):08x}"  # one address, one name: a second machine is refused
    host = gateway(address)
    for argv in (
        ["ip", "link", "add", outer, "type", "veth", "peer", "name", "eth0", "netns", str(pid)],
        [*inner, "link", "set", "lo", "up"],
        [*inner, "address", "add", address, "peer", host, "dev", "eth0"],
        [*inner, "link", "set", "eth0", "up"],
        ["ip", "address", "add", host, "peer", address, "dev", outer],
        ["ip", "link", "set", outer, "up"],
    ):
        done = subprocess.run(argv, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"The network at {address} cannot be made: {done.stderr.strip()}")


@contextmanager
def way_out(pid: int) -> Iterator[None]:
    """The internet and name servers, for the network namespace of that process."""
    ready, say = os.pipe()
    argv = ["setpriv", "--pdeathsig", "KILL", "--", "slirp4netns", "--configure", "--mtu=1500", f"--cidr={OUTSIDE}"]
    argv += ["--disable-host-loopback", f"--ready-fd={say}", str(pid), "tap0"]
    with os.fdopen(ready, "rb") as told, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(argv, pass_fds=[say], stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        try:
            os.close(say)
            if not told.read(1):
                process.wait()
                errors.seek(0)
                raise RuntimeError(f"slirp4netns does not start: {errors.read().decode(errors='replace').strip()}")
            yield
        finally:
            process.kill()
            process.wait()
