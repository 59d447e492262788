"""url: a base from a web server that may break off, lie, or serve something else."""

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from builds.engine.bases import download
from builds.engine.bases.url import Url, UrlOptions
from builds.engine.context import Context, Stop
from builds.engine.errors import BuildError, Cancelled, WorkerError


@dataclass
class Server:
    """Serves one file. The knobs say how badly."""

    address: str = ""
    content: bytes = b""
    breaks_after: list[int] = field(default_factory=list)
    """How many bytes the next answers send before the line breaks."""
    ranges: bool = True
    status: int = 200
    claims: int | None = None
    """The length that it says the file has."""
    before: Callable[[], None] = lambda: None
    asked: list[str] = field(default_factory=list)

    def base(self, content: bytes | None = None) -> Url:
        wanted = hashlib.sha256(self.content if content is None else content).hexdigest()
        return Url(UrlOptions(url=f"{self.address}/images/base.qcow2", sha256=wanted))


@pytest.fixture
def server(disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(download, "PAUSES", (0.01, 0.01))
    knobs = Server(content=disk.read_bytes())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            knobs.before()
            knobs.asked.append(self.headers.get("Range", ""))
            found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            first = int(found[1]) if found and knobs.ranges else 0
            total = len(knobs.content) if knobs.claims is None else knobs.claims
            status = knobs.status if knobs.status != 200 else 206 if first else 200
            if first >= len(knobs.content):
                status = 416
            self.send_response(status)
            self.send_header("Content-Length", str(total - first if status in (200, 206) else 0))
            if status in (206, 416):
                extent = f"{first}-{total - 1}" if status == 206 else "*"
                self.send_header("Content-Range", f"bytes {extent}/{total}")
            self.end_headers()
            if status in (200, 206):
                last = first + knobs.breaks_after.pop(0) if knobs.breaks_after else None
                self.wfile.write(knobs.content[first:last])

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        knobs.address = f"http://127.0.0.1:{http.server_port}"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield knobs
        http.shutdown()
        thread.join()


def leftovers(context: Context) -> list[str]:
    """Files in the cache that are no locks."""
    return [path.name for path in context.cache.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_a_download_that_breaks_off_goes_on_where_it_stopped(server: Server, context: Context):
    server.breaks_after = [50_000, 60_000]
    image = server.base().prepare(context)
    assert image.file.read_bytes() == server.content
    assert image.details["digest"] == f"sha256:{hashlib.sha256(server.content).hexdigest()}"
    assert server.asked == ["", "bytes=50000-", "bytes=110000-"]
    server.base().prepare(context)
    assert len(server.asked) == 3, "what is in the cache is not brought again"


def test_whether_it_is_still_the_same_is_asked_without_bringing_it(server: Server, context: Context):
    base = server.base()
    first = base.current(context)
    assert base.current(context) == first
    assert leftovers(context) == []
    server.content += b"more"
    assert base.current(context) != first
    server.status = 503
    with pytest.raises(WorkerError, match="answered 503"):
        base.current(context)


def test_a_server_without_ranges_sends_everything_again(server: Server, context: Context):
    server.breaks_after, server.ranges = [50_000], False
    assert server.base().prepare(context).file.read_bytes() == server.content


def test_a_server_that_keeps_breaking_off_is_the_workers_trouble_and_its_bytes_stay(server: Server, context: Context):
    server.breaks_after = [50_000, 0, 0, 0]
    with pytest.raises(WorkerError, match=r"base\.qcow2 could not be downloaded") as caught:
        server.base().prepare(context)
    assert "what has come is kept" in caught.value.hint
    server.breaks_after = []
    server.base().prepare(context)
    assert server.asked[-1] == "bytes=50000-"


def test_a_server_that_promises_more_than_it_has_does_not_keep_the_worker(server: Server, context: Context):
    server.claims = len(server.content) + 1000
    with pytest.raises(WorkerError, match="could not be downloaded"):
        server.base().prepare(context)


def test_a_wrong_sum_names_both_and_keeps_nothing(server: Server, context: Context):
    with pytest.raises(BuildError) as caught:
        server.base(b"another file").prepare(context)
    assert hashlib.sha256(server.content).hexdigest() in caught.value.message
    assert hashlib.sha256(b"another file").hexdigest() in caught.value.message
    assert leftovers(context) == []


def test_a_file_that_changed_between_two_tries_is_brought_anew(server: Server, context: Context):
    new = server.content.replace(b"slipway", b"Slipway")
    server.breaks_after = [500_000, 0, 0, 0]
    base = server.base(new)
    with pytest.raises(WorkerError):
        base.prepare(context)
    server.content, server.breaks_after = new, []
    assert base.prepare(context).file.read_bytes() == new


@pytest.mark.parametrize(("status", "error"), [(404, BuildError), (403, BuildError), (503, WorkerError)])
def test_an_answer_says_whose_trouble_it_is(status: int, error: type[Exception], server: Server, context: Context):
    server.status = status
    with pytest.raises(error, match=str(status)):
        server.base().prepare(context)


def test_a_page_is_no_image(server: Server, context: Context):
    server.content = b"<!DOCTYPE html><title>Please sign in</title>".ljust(2000)
    with pytest.raises(BuildError, match="not a disk image; it begins with b'<!DOCTYPE"):
        server.base().prepare(context)
    assert leftovers(context) == []


def test_a_cancelled_build_does_not_wait_for_a_silent_server(server: Server, context: Context):
    silent = threading.Event()
    server.before = lambda: (silent.wait(20), None)[1]
    stop = Stop()
    threading.Timer(0.3, stop.cancel).start()
    start = time.monotonic()
    try:
        with pytest.raises(Cancelled):
            server.base().prepare(replace(context, stop=stop))
        assert time.monotonic() - start < 3
    finally:
        silent.set()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/a.qcow2", "http://", "https://host only/"])
def test_other_addresses_are_refused_in_the_template(url: str):
    with pytest.raises(ValidationError, match="url"):
        UrlOptions(url=url, sha256="0" * 64)
