"""checks: each passes, fails, and says what it saw; all from outside or through the machine's own tools."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from builds.engine.checks import CHECKS
from builds.engine.context import Context
from builds.engine.errors import Cancelled, CheckFailed
from tests.engine.local_machine import LocalMachine


def check(kind_: str, context: Context, programs: Path | None = None, /, **options: Any) -> str:
    kind = CHECKS[kind_]
    options = {"within": 0, **options} if "within" in kind.Options.model_fields else options
    return kind(kind.Options(**options)).check(LocalMachine(programs), context)


@contextmanager
def free_port() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


class Pages(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(302 if self.path == "/old" else 200)
        self.send_header("Location", "/new") if self.path == "/old" else None
        self.end_headers()
        self.wfile.write(f"Welcome to {self.headers['Host']}".encode())

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def self_signed(path: Path) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    made = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


def fake(folder: Path, name: str, script: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)
    return folder


def test_command_looks_at_the_exit_code_and_the_output(context: Context) -> None:
    assert check("command", context, run="echo fine") == "exit code 0: fine"
    assert check("command", context, run="exit 3", exit_code=3) == "exit code 3"
    with pytest.raises(CheckFailed, match=r"(?s)exit code 2, expected 0.*broken"):
        check("command", context, run="echo broken; exit 2")
    with pytest.raises(CheckFailed, match="does not contain 'good'"):
        check("command", context, run="echo bad", contains="good")


def test_a_check_is_tried_again_until_its_time_is_over(context: Context, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    threading.Timer(0.3, ready.touch).start()
    check("command", context, run=f"test -e {ready}", within=10)
    start = time.monotonic()
    with pytest.raises(CheckFailed, match=r"\(for 1 s\)"):
        check("command", context, run="false", within=1)
    assert time.monotonic() - start < 3


def test_a_waiting_check_can_be_cancelled(context: Context) -> None:
    threading.Timer(0.3, context.stop.cancel).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        check("command", context, run="false", within=60)
    assert time.monotonic() - start < 5


def test_port_is_open_or_closed(context: Context, web: http.server.HTTPServer) -> None:
    assert "accepts" in check("port", context, port=web.server_port)
    with pytest.raises(CheckFailed, match="something answers"):
        check("port", context, port=web.server_port, closed=True)
    with free_port() as port:
        assert "nothing answers" in check("port", context, port=port, closed=True)
        with pytest.raises(CheckFailed, match=f"nothing answers on port {port}"):
            check("port", context, port=port)


def test_http_reads_status_and_page(context: Context, web: http.server.HTTPServer) -> None:
    port = web.server_port
    assert check("http", context, port=port, contains="Welcome to localhost").startswith("200 OK, 26 bytes")
    assert "302" in check("http", context, port=port, path="/old", status=[301, 302])
    check("http", context, port=port, headers={"Host": "wiki.example"}, contains="wiki.example")
    with pytest.raises(CheckFailed, match=r"answered 302 Found to /new, expected 200"):
        check("http", context, port=port, path="/old")
    with pytest.raises(CheckFailed, match=r"lacks 'Goodbye'; it begins: 'Welcome"):
        check("http", context, port=port, contains="Goodbye")


def test_http_says_what_is_wrong_with_an_answer_that_is_none(context: Context) -> None:
    with free_port() as port, pytest.raises(CheckFailed, match="refused"):
        check("http", context, port=port)
    with socket.create_server(("127.0.0.1", 0)) as server:
        answer = threading.Thread(target=lambda: server.accept()[0].close())
        answer.start()
        with pytest.raises(CheckFailed, match="no answer on port"):
            check("http", context, port=server.getsockname()[1])
        answer.join()


def test_https_takes_a_certificate_of_its_own(context: Context, web: http.server.HTTPServer, tmp_path: Path) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(self_signed(tmp_path / "both.pem"))
    web.socket = tls.wrap_socket(web.socket, server_side=True)
    assert check("http", context, port=web.server_port, https=True).startswith("200")


def test_service_asks_systemctl_and_repeats_what_it_says(context: Context, tmp_path: Path) -> None:
    good = fake(tmp_path / "good", "systemctl", '[ "$1" = is-active ] && echo active || { echo disabled; exit 1; }')
    assert check("service", context, good, name="nginx") == "active"
    with pytest.raises(CheckFailed, match="nginx is active but disabled"):
        check("service", context, good, name="nginx", enabled=True)
    bad = fake(
        tmp_path / "bad",
        "systemctl",
        'case $1 in is-active) echo failed;; *) echo "port taken";; esac; exit 3',
    )
    with pytest.raises(CheckFailed, match=r"(?s)nginx is failed.*port taken"):
        check("service", context, bad, name="nginx")


def test_packages_are_there_or_not(context: Context, tmp_path: Path) -> None:
    lines = "installed nginx 1.22.1-9\\ninstalled curl 7.88\\nconfig-files telnetd 0.17\\n"
    programs = fake(tmp_path / "programs", "dpkg-query", f"printf '{lines}'")
    assert check("packages", context, programs, installed=["nginx"], absent=["telnetd"]) == "nginx 1.22.1-9"
    with pytest.raises(CheckFailed, match=r"not installed: telnetd; installed, but must not be: curl 7\.88"):
        check("packages", context, programs, installed=["telnetd"], absent=["curl"])
