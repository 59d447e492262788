"""Downloads: whole, right, and never begun anew without need. The server of the faults is one of a few lines."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests import factories
from tests.appliances.life import finish

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def published(wiki) -> None:
    revision = factories.revision(factories.release(appliance=wiki))
    build = factories.build(revision)
    name = default_storage.save("artifacts/wiki.qcow2", ContentFile(CONTENT))
    common = {"size": len(CONTENT), "sha256": SHA256, "file": name}
    factories.artifact(build, **common)
    factories.artifact(build, format="raw", name="wiki-1.0.0.img", **common)
    finish(revision)


def test_what_is_on_the_catalog_needs_no_token(run, published, live_server, monkeypatch, home):
    monkeypatch.setenv("SLIPWAY_URL", live_server.url)
    said = run("download", "acme/wiki", "--format", "qcow2", "-o", home / "new")
    assert said.status == 0, said.err
    assert (home / "new" / "wiki-1.0.0.qcow2").read_bytes() == CONTENT
    assert SHA256 in said.out
    assert [each.name for each in (home / "new").iterdir()] == ["wiki-1.0.0.qcow2"]
    again = run("download", "acme/wiki@1.0.0", "--format", "qcow2", "-o", home / "new", "--json")
    assert (again.status, again.json["sha256"]) == (0, SHA256)


def test_of_several_formats_one_is_chosen(run, published, live_server, monkeypatch):
    monkeypatch.setenv("SLIPWAY_URL", live_server.url)
    several = run("download", "acme/wiki")
    assert several.status == 2
    assert "--format: qcow2, raw" in several.err
    assert run("download", "acme/wiki", "--format", "ova").status == 1
    assert run("download", "acme/other").status == 1


class Store:
    """Answers as the API does, but breaks off after `whole` bytes of each answer."""

    def __init__(self) -> None:
        self.content = CONTENT
        self.name = "wiki.qcow2"
        self.whole = len(CONTENT)
        self.ranges: list[str] = []
        self.busy = 0
        """How often it first says that it is not there."""


@pytest.fixture
def store(monkeypatch) -> Iterator[Store]:
    found = Store()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if found.busy:
                found.busy -= 1
                self.answer(503, b"restarting")
            elif self.path.endswith("/artifacts"):
                file = {"name": found.name, "format": "qcow2", "size": len(CONTENT), "sha256": SHA256}
                file["download"] = "/api/v1/artifacts/1/download"
                self.answer(200, json.dumps({"version": "1.0.0", "artifacts": [file]}).encode())
            else:
                asked = self.headers["Range"]
                found.ranges.append(asked)
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                whole = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
                self.answer(206, found.content[start:], {"Content-Range": whole})

        def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: found.whole])
            self.close_connection = True

        def log_message(self, *arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("SLIPWAY_URL", f"http://127.0.0.1:{server.server_port}")
        yield found
        server.shutdown()


def test_a_connection_that_breaks_is_taken_up_where_it_was(run, store, home):
    store.whole = len(CONTENT) * 2 // 3
    said = run("download", "acme/wiki", "-o", home)
    assert said.status == 0, said.err
    assert (home / "wiki.qcow2").read_bytes() == CONTENT
    assert store.ranges == ["bytes=0-", f"bytes={store.whole}-"]


def test_the_next_command_goes_on_with_what_is_there(run, store, home):
    store.whole = len(CONTENT) // 4
    said = run("download", "acme/wiki", "-o", home, "--patience", "0")
    assert said.status == 4
    assert "run it again" in said.err
    assert not (home / "wiki.qcow2").exists()
    store.whole, store.ranges = len(CONTENT), []
    assert run("download", "acme/wiki", "-o", home).status == 0
    assert store.ranges == [f"bytes={len(CONTENT) // 4}-"]
    assert (home / "wiki.qcow2").read_bytes() == CONTENT


def test_a_wrong_file_never_gets_its_name(run, store, home):
    store.content = CONTENT[:-1] + b"x"
    said = run("download", "acme/wiki", "-o", home)
    assert said.status == 1
    assert "wrong SHA-256" in said.err
    assert list(home.glob("*wiki*")) == []


def test_a_server_that_restarts_is_waited_for(run, store, home):
    store.busy = 2
    said = run("download", "acme/wiki", "-o", home)
    assert said.status == 0
    assert "trying again" in said.err


def test_a_name_that_leads_elsewhere_is_refused(run, store, home):
    store.name = "../wiki.qcow2"
    assert run("download", "acme/wiki", "-o", home).status == 1
    assert store.ranges == []
