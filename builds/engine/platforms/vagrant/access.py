"""How Vagrant says that its machine is reached: an OpenSSH client's configuration."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

import paramiko

from ...errors import BuildError


@dataclass(frozen=True)
class Access:
    host: str
    port: int
    user: str
    key_files: tuple[Path, ...]

    @classmethod
    def read(cls, text: str) -> Access:
        values: dict[str, list[str]] = {}
        for line in text.splitlines():
            name, _, value = line.strip().partition(" ")
            values.setdefault(name.lower(), []).append(value.strip().strip('"'))
        try:
            host, port, user = (values[name][0] for name in ("hostname", "port", "user"))
        except KeyError as error:
            raise BuildError(f"Vagrant does not say how its machine is reached ({error} is missing):\n{text}") from None
        return cls(host, int(port), user, tuple(map(Path, values.get("identityfile", []))))

    @property
    def direct(self) -> bool:
        """The address is the machine's own; otherwise only the SSH port of this host leads into it."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host != "localhost"

    def key(self) -> paramiko.PKey:
        for path in self.key_files:
            for kind in (paramiko.RSAKey, paramiko.Ed25519Key, paramiko.ECDSAKey):
                try:
                    return kind.from_private_key_file(str(path))
                except (paramiko.SSHException, OSError):
                    continue
        raise BuildError("Vagrant names no key that opens its machine.")
