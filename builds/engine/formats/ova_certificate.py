"""The signature of an OVA's manifest, which vSphere's import dialog shows: X.509, as the OVF standard has it."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from ..errors import BuildError, WorkerError

SETTING = "SLIPWAY_OVA_CERTIFICATE"
HINT = f"{SETTING} names a PEM file with an RSA key without a password, and its certificate."


def sign(manifest: bytes, name: str) -> bytes:
    """The content of `NAME.cert`; nothing when this worker has no certificate. WorkerError when it has a bad one."""
    path = os.environ.get(SETTING, "")
    if not path:
        return b""
    try:
        text = Path(path).read_bytes()
        key, certificates = load_pem_private_key(text, password=None), x509.load_pem_x509_certificates(text)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise WorkerError(f"OVAs cannot be signed with {path}: {error}", hint=HINT) from error
    if not isinstance(key, RSAPrivateKey) or key.public_key() != certificates[0].public_key():
        raise WorkerError(f"OVAs cannot be signed with {path}: its key is not its first certificate’s.", hint=HINT)
    signature = key.sign(manifest, PKCS1v15(), SHA256())
    chain = b"".join(each.public_bytes(Encoding.PEM) for each in certificates)
    return f"SHA256({name}.mf)= {signature.hex()}\n".encode() + chain


def verify(manifest: Path, certificate: Path) -> None:
    """BuildError unless the certificate's key has signed the manifest. Who it is does not matter here."""
    head, _, chain = certificate.read_bytes().partition(b"\n")
    named, _, signature = head.decode("ascii", "replace").partition(")= ")
    try:
        key = x509.load_pem_x509_certificates(chain)[0].public_key()
        if named != f"SHA256({manifest.name}" or not isinstance(key, RSAPublicKey):
            raise ValueError("it is not of this manifest")
        key.verify(bytes.fromhex(signature), manifest.read_bytes(), PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature) as error:
        raise BuildError(f"{certificate.name} does not sign {manifest.name}: {error}") from error
