"""Nobody's address makes the installation ask its own neighbours."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
import urllib3

from builds.engine.reach import ANYWHERE, OutOfReach, Reach


class Neighbour(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.headers["Host"])
        moved = self.path.removeprefix("/to/") if self.path.startswith("/to/") else ""
        self.send_response(302 if moved else 200)
        if moved:
            self.send_header("Location", moved)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def neighbour() -> Iterator[http.server.HTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Neighbour) as server:
        server.asked = []
        threading.Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "10.1.2.3", "192.168.0.1", "169.254.169.254", "0.0.0.1", "::1", "fd00::1", "fe80::1",
     "::ffff:10.0.0.1", "2002:7f00:1::", "100.64.0.1", "224.0.0.1", "0177.0.0.1", "2130706433"],
)  # fmt: skip
def test_what_is_not_public_is_out_of_reach(host):
    with pytest.raises(OutOfReach, match="SLIPWAY_ALLOWED_NETWORKS"):
        Reach().addresses(host, 80)


def test_public_addresses_and_allowed_networks_are_within_reach():
    assert Reach().addresses("1.1.1.1", 443) == ["1.1.1.1"]
    assert Reach.of(["10.0.0.0/8"]).addresses("10.1.2.3", 443) == ["10.1.2.3"]
    assert ANYWHERE.addresses("::1", 443) == ["::1"]


def test_a_forbidden_address_is_not_even_connected_to(neighbour):
    with pytest.raises(OutOfReach):
        Reach().pool(retries=False).request("GET", f"http://127.0.0.1:{neighbour.server_port}/")
    assert neighbour.asked == []


def test_a_redirect_leads_nowhere_else(neighbour):
    port = neighbour.server_port
    pool = Reach.of(["127.0.0.1"]).pool()
    assert pool.request("GET", f"http://127.0.0.1:{port}/").status == 200
    with pytest.raises(OutOfReach, match=r"127\.0\.0\.2"):
        pool.request("GET", f"http://127.0.0.1:{port}/to/http://127.0.0.2:{port}/")


def test_the_name_stays_what_the_server_is_asked_by(neighbour):
    Reach.of(["127.0.0.0/8", "::1"]).pool().request("GET", f"http://localhost:{neighbour.server_port}/")
    assert neighbour.asked == [f"localhost:{neighbour.server_port}"]


def test_a_name_that_nobody_has_is_an_ordinary_failure():
    with pytest.raises(urllib3.exceptions.HTTPError):
        Reach().pool(retries=False).request("GET", "http://nobody.invalid/")
