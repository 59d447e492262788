"""OpenPGP, which gpg, virt-builder, apt and simplestreams' tools verify. Sequoia does the work."""

from __future__ import annotations

from collections.abc import Iterable

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
    message = sign(_signer(private), text, mode=SignatureMode.CLEAR).decode()
    head, _, rest = message.partition("\n\n")
    return f"{head}\n\n{rest[rest.rindex('-----BEGIN PGP SIGNATURE-----') :]}"


def joined(text: str, around: str) -> bytes:
    head, _, signature = around.partition("\n\n")
    return f"{head}\n\n{escaped(text)}\n{signature}".encode()


def escaped(text: str) -> str:
    """RFC 9580, 7.2: the line end before the signature is no part of the text."""
    lines = text.removesuffix("\n").split("\n")
    return "\n".join(f"- {line}" if line.startswith("-") else line for line in lines)


def bundle(certificates: Iterable[str]) -> bytes:
    """Many public keys in one block."""
    packets = b"".join(bytes(Cert.from_bytes(each.encode())) for each in certificates)
    return armor(packets, ArmorKind.PublicKey).encode()


def _signer(private: str):  # noqa: ANN202 -- Sequoia's own
    return Tsk.from_bytes(private.encode()).signer()
