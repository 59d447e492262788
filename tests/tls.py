"""A door with TLS before a server without: for clients that refuse anything else."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import socketserver
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

HOST = "127.0.0.1"


@contextlib.contextmanager
def https(url: str, folder: Path) -> Iterator[tuple[str, Path]]:
    """Gives the address of the door, and the certificate that it shows: trust that one."""
    behind = urlsplit(url)
    certificate = certify(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    class Door(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with (
                contextlib.suppress(OSError),  # clients hang up as they like
                context.wrap_socket(self.request, server_side=True) as outside,
                socket.create_connection((behind.hostname, behind.port)) as inside,
                outside.makefile("rb") as asked,
                inside.makefile("rb") as answered,
            ):
                there = threading.Thread(target=pour, args=(asked, inside), daemon=True)
                there.start()
                pour(answered, outside)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server((HOST, 0), Door) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"https://{HOST}:{server.server_address[1]}", certificate
        finally:
            server.shutdown()
            thread.join()


def pour(source: object, target: socket.socket) -> None:
    with contextlib.suppress(OSError, ValueError):
        while data := source.read1(65536):  # type: ignore[attr-defined]
            target.sendall(data)


def certify(folder: Path) -> Path:
    """A key and a certificate that it signed itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(HOST)), x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
