"""How the throw-away login comes in: a NoCloud volume, which cloud-init and our own bases read at boot."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from pathlib import Path

import paramiko
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from . import command
from .context import Context


@dataclass(frozen=True)
class KeyPair:
    """An ed25519 key: its private half as OpenSSH's PEM, its public half as a line without comment."""

    private: str
    public: str

    @staticmethod
    def generate() -> KeyPair:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        return KeyPair(private.decode(), public.decode())

    def load(self) -> paramiko.PKey:
        return paramiko.Ed25519Key.from_private_key(io.StringIO(self.private))


@dataclass(frozen=True)
class Seed:
    """One launch's keys. Neither is used twice, and neither is written but to the launch's own folder."""

    login: KeyPair
    host: KeyPair

    @staticmethod
    def generate() -> Seed:
        return Seed(KeyPair.generate(), KeyPair.generate())

    def write(self, target: Path, instance: str, context: Context) -> None:
        """Make the volume. `instance` is new for every launch: that tells cloud-init to read it again."""
        with tempfile.TemporaryDirectory(dir=target.parent) as name:
            folder = Path(name)
            (folder / "meta-data").write_text(self.meta_data(instance))
            (folder / "user-data").write_text(self.user_data())
            argv: list[str | Path] = [
                "xorriso",
                "-as",
                "mkisofs",
                "-quiet",
                "-V",
                "cidata",
                "-J",
                "-r",
                "-o",
                target,
                folder,
            ]
            command.run(argv, context)
        target.chmod(0o600)

    def meta_data(self, instance: str) -> str:
        return f"instance-id: {instance}\nlocal-hostname: localhost\n"

    def user_data(self) -> str:
        private = "".join(f"    {line}\n" for line in self.host.private.splitlines())
        return f"""#cloud-config
disable_root: false
ssh_pwauth: false
ssh_deletekeys: true
ssh_authorized_keys:
  - {self.login.public}
users:
  - default
  - name: root
    ssh_authorized_keys:
      - {self.login.public}
ssh_keys:
  ed25519_private: |
{private}  ed25519_public: {self.host.public}
"""
