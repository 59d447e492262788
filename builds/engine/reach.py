"""Whom an installation talks to on somebody's behalf: everybody on the internet, and inside only whom it is told.

Whoever may write an address here (a base's, a repository's, a hook's) must not make the server ask its own neighbours:
databases without passwords, a cloud's metadata service. The address that was looked at is the one that is connected to,
so that a name cannot change its meaning in between.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from .errors import SlipwayError

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SETTING = "SLIPWAY_ALLOWED_NETWORKS"


class OutOfReach(SlipwayError):  # noqa: N818 -- like Cancelled, it says what is the matter
    """An address inside that nobody has allowed."""


@dataclass(frozen=True)
class Reach:
    """What besides the public internet may be asked."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def of(cls, networks: Iterable[str]) -> Reach:
        """From texts such as "10.0.0.0/8" or "127.0.0.1". Raises ValueError."""
        return cls(tuple(ipaddress.ip_network(text.strip(), strict=False) for text in networks))

    def addresses(self, host: str, port: int) -> list[str]:
        """Where that host is, best first. Raises OutOfReach when any of it is forbidden, OSError when it has none."""
        found = list(
            dict.fromkeys(str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        )
        for address in found:
            if not self._open(address):
                raise OutOfReach(
                    f"{host} is at {address}, which is not a public address.",
                    hint=f"Whoever runs this installation can allow it: add it to {SETTING}.",
                )
        return found

    def pool(self, **options: Any) -> urllib3.PoolManager:
        """urllib3's own, which raises OutOfReach, also after a redirect, before it connects anywhere forbidden."""
        pool = urllib3.PoolManager(**options)
        pool.pool_classes_by_scheme = {
            scheme: type(
                kind.__name__, (kind,), {"ConnectionCls": type("Guarded", (_Guarded, connection), {"reach": self})}
            )
            for scheme, kind, connection in (
                ("http", HTTPConnectionPool, HTTPConnection),
                ("https", HTTPSConnectionPool, HTTPSConnection),
            )
        }
        return pool

    def _open(self, address: str) -> bool:
        ip = ipaddress.ip_address(address.partition("%")[0])
        if isinstance(ip, ipaddress.IPv6Address):
            ip = ip.ipv4_mapped or ip.sixtofour or ip
        public = ip.is_global and not ip.is_multicast
        return public or any(ip in network for network in self.allowed)


ANYWHERE = Reach.of(["0.0.0.0/0", "::/0"])
"""For whoever owns the machine: `manage.py build`, a worker's own errands."""


class _Guarded(HTTPConnection):
    reach: Reach

    def _new_conn(self) -> socket.socket:
        name = self._dns_host
        with contextlib.suppress(socket.gaierror):  # urllib3 says it in its own way
            self._dns_host = self.reach.addresses(name, self.port or 80)[0]
        try:
            return super()._new_conn()
        finally:
            self._dns_host = name  # TLS and the Host header are about the name
