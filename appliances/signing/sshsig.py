"""SSH signatures, which every ssh-keygen since 8.1 verifies: OpenSSH's PROTOCOL.sshsig."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from textwrap import wrap

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliances.models import SigningKey

MAGIC = b"SSHSIG"
ALGORITHM = b"ssh-ed25519"
HASH = "sha512"


def make(owner: str) -> tuple[str, str, str]:
    """A new Ed25519 key: private part, public part, fingerprint."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    blob = _public(key)
    fingerprint = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return private.decode(), f"{ALGORITHM.decode()} {base64.b64encode(blob).decode()} {owner}", f"SHA256:{fingerprint}"


def sign(private: str, data: bytes, *, namespace: str) -> str:
    key = serialization.load_ssh_private_key(private.encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)  # noqa: S101 -- we made it
    meaning = [namespace.encode(), b"", HASH.encode()]  # in between: reserved
    signed = MAGIC + _strings(*meaning, hashlib.new(HASH, data).digest())
    signature = _strings(ALGORITHM, key.sign(signed))
    blob = MAGIC + (1).to_bytes(4) + _strings(_public(key), *meaning, signature)
    lines = wrap(base64.b64encode(blob).decode(), 70)
    return "\n".join(["-----BEGIN SSH SIGNATURE-----", *lines, "-----END SSH SIGNATURE-----", ""])


def allowed_signers(principal: str, keys: Iterable[SigningKey]) -> bytes:
    """A line for each, and above it since when it is not used any more."""
    lines = []
    for key in keys:
        if key.retired_at:
            lines.append(f"# retired {key.retired_at:%Y-%m-%d}")
        lines.append(f"{principal} {key.public}")
    return "".join(f"{line}\n" for line in lines).encode()


def _public(key: Ed25519PrivateKey) -> bytes:
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return _strings(ALGORITHM, raw)


def _strings(*parts: bytes) -> bytes:
    """As RFC 4251 writes them: the length first."""
    return b"".join(len(part).to_bytes(4) + part for part in parts)
