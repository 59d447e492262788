"""Files from the web: resumed when broken off, cancelled at once, never trusted before their checksum."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, LocationValueError, URLSchemeUnknown

from ..context import Context
from ..errors import BuildError, WorkerError
from ..reach import Reach

T = TypeVar("T")
LIMIT = 64 << 30
"""Bytes that no base is larger than."""
PIECE = 1 << 20
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Seconds before each further try. A try that got further than all before starts the row anew."""
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
TIMEOUT = urllib3.Timeout(connect=10, read=30)


class Unreachable(WorkerError):  # noqa: N818 -- like Cancelled, it says what is the matter
    """The other side does not answer, or not for long enough."""


class _Broken(Exception):  # noqa: N818
    """This try failed; another may not."""


def download(url: str, target: Path, context: Context) -> None:
    """Bring the rest of `url` into `target`, after the bytes that an earlier try left there.

    What has come stays in `target` whatever happens, for the next try. Raises BuildError when the address is
    wrong, Unreachable when it cannot be brought within the tries, WorkerError when there is no room for it.
    """
    left = list(PAUSES)
    most = 0
    while True:
        try:
            return _try(url, target, context)
        except _Broken as error:
            if _size(target) > most:
                most, left = _size(target), list(PAUSES)
            if not left:
                raise Unreachable(
                    f"{url} could not be downloaded: {error}.",
                    hint="See whether this worker reaches that address, then retry: what has come is kept.",
                ) from error
            context.console.write(f"{url}: {error}; trying again in {left[0]:g} s\n")
            context.wait(left.pop(0))


def fetch(url: str, context: Context, limit: int = 8 << 20) -> bytes:
    """A small file of at most `limit` bytes, at the first try. Raises Unreachable or BuildError."""
    try:
        with _Answer(url, {}, context) as answer:
            data = answer.read(limit + 1)
            if len(data) > limit:
                raise BuildError(f"{url} is larger than {limit} bytes: not what was looked for.")
            return data
    except _Broken as error:
        raise Unreachable(f"{url} cannot be read: {error}.", hint="See whether this worker reaches it.") from error


def fingerprint(url: str, context: Context) -> str:
    """What changes when the server has another file there; the file itself is not read. Raises as `fetch` does."""
    try:
        with _Answer(url, {}, context) as answer:  # not HEAD, which many servers refuse
            # The servers of one address often disagree about the ETag, seldom about when the file changed.
            when = answer.headers.get("Last-Modified") or answer.headers.get("ETag", "")
            return f"{answer.total or 'unknown'} bytes, {when or 'without a date'}"
    except _Broken as error:
        raise Unreachable(f"{url} cannot be read: {error}.", hint="See whether this worker reaches it.") from error


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _try(url: str, target: Path, context: Context) -> None:
    offset = _size(target)
    with _Answer(url, {"Range": f"bytes={offset}-"} if offset else {}, context) as answer:
        if answer.status == 416:
            if answer.total == offset:
                return
            target.unlink()
            raise _Broken("the server has a different file now")
        if answer.status != 206 or answer.first != offset:
            # It does not know ranges, and sends everything again.
            offset = 0
        _make_room(url, answer.total, offset, target)
        with target.open("ab") as file:
            file.truncate(offset)
            while piece := answer.read(PIECE):
                file.write(piece)
                offset += len(piece)
                if offset > LIMIT:
                    raise BuildError(f"{url} is larger than {LIMIT >> 30} GiB.", hint="Give a smaller image.")
                if answer.total:
                    context.console.progress(min(1.0, offset / answer.total))


def _make_room(url: str, total: int | None, offset: int, target: Path) -> None:
    if total is None:
        return
    if total > LIMIT:
        raise BuildError(f"{url} is {total >> 30} GiB large; at most {LIMIT >> 30} are taken.")
    free = shutil.disk_usage(target.parent).free
    if total - offset > free:
        raise WorkerError(
            f"{url} needs {(total - offset) >> 20} MiB on this worker's disk; {free >> 20} MiB are free.",
            hint="Free some disk space on this worker, then retry the build.",
        )


class _Answer:
    """A server's answer; its failure as _Broken (may be tried again) or BuildError (may not).

    Every blocking call runs in a thread of its own: a cancelled build does not wait for a silent server.
    """

    def __init__(self, url: str, headers: dict[str, str], context: Context) -> None:
        self._context = context
        self._url = url
        self._pool = _pool(url, context.reach)
        self._left = threading.Event()
        headers = {"Accept-Encoding": "identity", "User-Agent": "slipway", **headers}
        try:
            self._response = self._wait(
                lambda: self._pool.request("GET", url, headers=headers, preload_content=False, decode_content=False)
            )
            self.status = self._response.status
            if self.status in TEMPORARY:
                raise _Broken(f"the server answered {self.status}")
            if self.status not in (200, 206, 416):
                raise BuildError(f"{url} answered {self.status} {self._response.reason}.", hint="Mend the address.")
            self.headers = self._response.headers
            self.first, self.total = self._extent()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._left.set()
        if hasattr(self, "_response"):
            self._response.close()
        self._pool.clear()

    def __enter__(self) -> _Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self, size: int) -> bytes:
        """The next bytes, at most `size`; none at the end."""
        data: bytes = self._wait(lambda: self._response.read(size))
        return data

    def _extent(self) -> tuple[int, int | None]:
        """Where the answer's bytes begin in the file, and how large the whole file is, if it says so."""
        known = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", self._response.headers.get("Content-Range", ""))
        if known:
            return int(known[1] or 0), None if known[2] == "*" else int(known[2])
        length = self._response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() and self.status == 200 else None

    def _wait(self, call: Callable[[], T]) -> T:
        done: list[T] = []
        failed: list[Exception] = []

        def work() -> None:
            try:
                result = call()
            except Exception as error:  # whatever it is, it belongs to the thread that waits
                failed.append(error)
                return
            done.append(result)
            if self._left.is_set() and isinstance(result, urllib3.BaseHTTPResponse):
                result.close()

        thread = threading.Thread(target=work, name="download", daemon=True)
        thread.start()
        while thread.is_alive():
            self._context.check()
            thread.join(0.2)
        if done:
            return done[0]
        error = failed[0]
        if isinstance(error, LocationParseError | LocationValueError | URLSchemeUnknown):
            raise BuildError(f"{self._url} is not an address: {error}.", hint="Mend the address.") from error
        if isinstance(error, HTTPError | OSError):
            raise _Broken(_reason(error)) from error
        raise error


def _pool(url: str, reach: Reach) -> urllib3.PoolManager:
    """Through the proxy that the environment names for such addresses, as all other programs go."""
    address = urlsplit(url)
    proxy = getproxies().get(address.scheme)
    retries = urllib3.Retry(0, redirect=5)
    if proxy and not proxy_bypass(address.hostname or ""):
        return urllib3.ProxyManager(proxy, retries=retries, timeout=TIMEOUT)
    return reach.pool(retries=retries, timeout=TIMEOUT)


def _reason(error: Exception) -> str:
    """The innermost cause in a few words: the outer ones only name classes."""
    inner: BaseException = error
    while isinstance(cause := getattr(inner, "reason", None) or inner.__cause__, BaseException):
        inner = cause
    return re.sub(r"^<.*?>: |^\S*\(host=.*?\): ", "", str(inner)) or type(inner).__name__
