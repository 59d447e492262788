"""With what a repository is read, and whom that may ask.

Nothing secret is on a command line, on a disk or in an error: git gets the token by its environment, ssh the key by a
file that is only in our memory, and so is gone whatever is killed.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import paramiko

from ..errors import SourceError
from ..reach import ANYWHERE, Reach
from .address import Address

ALIAS = "repository"  # what its server is called in the file with its one key
SECONDS = 20  # to connect
SSH = (
    *("ssh", "-F", "/dev/null", "-oBatchMode=yes", f"-oConnectTimeout={SECONDS}", "-oStrictHostKeyChecking=yes"),
    *("-oGlobalKnownHostsFile=/dev/null", "-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-oUpdateHostKeys=no"),
    f"-oHostKeyAlias={ALIAS}",
)
OWN_SSH = ("ssh", "-oBatchMode=yes", f"-oConnectTimeout={SECONDS}")


@dataclass(frozen=True)
class Access:
    """Without a key or a token: as the worker's own user is known there, or as anybody."""

    reach: Reach = ANYWHERE
    key: str = field(default="", repr=False)
    """The private key, in OpenSSH's format."""
    host_key: str = ""
    """The server's, as "ssh-ed25519 AAAA…": no other is believed."""
    user: str = ""
    token: str = field(default="", repr=False)

    @contextmanager
    def environment(self, url: str) -> Iterator[dict[str, str]]:
        """git's, for one command that talks to that repository. Raises SourceError, OutOfReach."""
        where = Address.of(url)
        found = self.addresses(where)
        if where.scheme == "ssh":
            with _in_memory(self.key) as key, _in_memory(f"{ALIAS} {self.host_key}\n") as known_hosts:
                yield {"GIT_SSH_COMMAND": shlex.join(self._ssh(found, key, known_hosts)), "GIT_SSH_VARIANT": "ssh"}
        else:
            yield configuration(self._http(where, found))

    def addresses(self, where: Address) -> list[str]:
        """Where its server is; empty when nobody asked us to look. Raises SourceError, OutOfReach."""
        if self.reach is ANYWHERE:
            return []
        try:
            return self.reach.addresses(where.host, where.port)
        except (OSError, UnicodeError) as error:
            raise SourceError(
                f"The host {where.host} cannot be found: {error}", hint="See that the repository's address is right."
            ) from None

    def redact(self, text: str) -> str:
        for secret in (self.token, self._basic if self.token else ""):
            if secret:
                text = text.replace(secret, "******")
        return text

    @property
    def _basic(self) -> str:
        return b64encode(f"{self.user}:{self.token}".encode()).decode()

    def _http(self, where: Address, found: list[str]) -> dict[str, str]:
        options = {}
        if found:  # what was looked at is what is connected to, whatever its name means by then
            bare = [f"[{address}]" if ":" in address else address for address in found]
            options["http.curloptResolve"] = f"{where.host}:{where.port}:{','.join(bare)}"
        if self.token:
            options["http.extraHeader"] = f"Authorization: Basic {self._basic}"
        return options

    def _ssh(self, found: list[str], key: str, known_hosts: str) -> list[str]:
        if not self.key:
            return list(OWN_SSH)
        where = [f"-oHostName={found[0]}"] if found else []
        return [*SSH, f"-oUserKnownHostsFile={known_hosts}", f"-oIdentityFile={key}", *where]


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """A file that only its owner can open, by the path that this yields."""
    file = os.memfd_create("access")
    try:
        os.fchmod(file, 0o600)
        os.write(file, text.encode())
        yield f"/proc/{os.getpid()}/fd/{file}"
    finally:
        os.close(file)


def configuration(options: Mapping[str, str]) -> dict[str, str]:
    """Options of git as its environment, which only its own user can read."""
    given = {"GIT_CONFIG_COUNT": str(len(options))}
    for number, (name, value) in enumerate(options.items()):
        given |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
    return given


def host_key(url: str, reach: Reach = ANYWHERE) -> str:
    """The key that the server of an ssh address shows now, to be remembered at first contact. Raises SourceError."""
    where = Address.of(url)
    found = Access(reach=reach).addresses(where)
    try:
        with socket.create_connection((found[0] if found else where.host, where.port), timeout=SECONDS) as connection:
            transport = paramiko.Transport(connection)
            try:
                transport.start_client(timeout=SECONDS)
                key = transport.get_remote_server_key()
            finally:
                transport.close()
    except (OSError, EOFError, paramiko.SSHException) as error:
        raise SourceError(
            f"No ssh server answers at {where.host}, port {where.port}: {error}",
            hint="See that the repository's address is right, with its port: ssh://git@host:port/path.",
        ) from None
    return f"{key.get_name()} {key.get_base64()}"


def fingerprint(key: str) -> str:
    """A public key as people compare it: SHA256:…"""
    digest = hashlib.sha256(b64decode(key.split()[1])).digest()
    return "SHA256:" + b64encode(digest).decode().rstrip("=")
