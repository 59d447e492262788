"""OpenPGP, which gpg, virt-builder, apt and simplestreams' tools verify. Sequoia does the work."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pysequoia import ArmorKind, Cert, SignatureMode, Tsk, armor, sign


def make(owner: str) -> tuple[str, str, str]:
    """A new Ed25519 key: private part, public part, fingerprint. Without an expiry: a key ends when it is changed."""
    key = Tsk.generate(f"Slipway at {owner}")
    certificate = key.extract_certificate()
    return str(key), str(certificate), certificate.fingerprint.upper()


def detached(private: str, data: bytes) -> str:
    return sign(_signer(private), data, mode=SignatureMode.DETACHED).decode()


def around(private: str, text: bytes) -> str:
    """A clear-signed message without its text, which `joined` puts back: to be kept, a signature must be small."""
    message = sign(_signer(private), text.removesuffix(b"\n"), mode=SignatureMode.CLEAR).decode()
    return message[: message.index("\n\n")] + message[message.rindex("\n-----BEGIN PGP SIGNATURE-----") :]


def joined(text: str, around: str) -> bytes:
    """RFC 9580, 7: the line end before the signature is no part of what is signed."""
    head, begin, signature = around.partition("\n-----BEGIN PGP SIGNATURE-----")
    lines = text.removesuffix("\n").split("\n")
    escaped = "\n".join(f"- {line}" if line.startswith("-") else line for line in lines)
    return f"{head}\n\n{escaped}{begin}{signature}".encode()


def bundle(certificates: Iterable[str]) -> bytes:
    """Many public keys in one block."""
    packets = b"".join(bytes(Cert.from_bytes(each.encode())) for each in certificates)
    return armor(packets, ArmorKind.PublicKey).encode()


def _signer(private: str) -> Any:
    return Tsk.from_bytes(private.encode()).signer()
