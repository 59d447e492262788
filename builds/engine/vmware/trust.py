"""Which certificate a vCenter must show, and what to say when it shows another."""

from __future__ import annotations

import hashlib
import socket
import ssl

from cryptography import x509

from ..errors import WorkerError

PATIENCE = 10  # seconds


def trust(pem: str) -> ssl.SSLContext:
    """Verifies against these certificates, or the system's when there are none.

    Always to be passed to pyvmomi: without a context it verifies nothing on this host's own addresses, and the
    thumbprint that it can be given is compared only after a verification that failed.
    """
    if not pem.strip():
        return ssl.create_default_context()
    context = ssl.create_default_context(cadata=pem)
    # A server's own certificate ends the chain too, and is known by its key, not by the names in it.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = any(map(_is_authority, x509.load_pem_x509_certificates(pem.encode())))
    return context


def refused(host: str, port: int, why: ssl.SSLCertVerificationError) -> WorkerError:
    """The error, with the fingerprint of the certificate that is shown now."""
    return WorkerError(
        f"The certificate of {host} is not the one that the account trusts: {why.verify_message or why}. "
        f"It shows one with the SHA-256 fingerprint {fingerprint(host, port)}.",
        hint="If it was changed on purpose, and the vCenter itself tells this fingerprint: enter the new certificate, "
        "or its authority's, in Team settings → Accounts.",
    )


def fingerprint(host: str, port: int) -> str:
    """Of the certificate that the server shows, whatever that is worth."""
    curious = ssl.create_default_context()
    curious.check_hostname = False
    curious.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), PATIENCE) as connection,
            curious.wrap_socket(connection, server_hostname=host) as tls,
        ):
            shown = hashlib.sha256(tls.getpeercert(binary_form=True) or b"").hexdigest().upper()
    except OSError as error:
        return f"(not to be had: {error})"
    return ":".join(shown[n : n + 2] for n in range(0, len(shown), 2))


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
