"""The server: asks it, tries again when the connection fails, and turns its errors into ours."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.response import BaseHTTPResponse

from .errors import UNREACHABLE, Failure, Refused
from .login import Login

PASSING = (429, 502, 503, 504)
"""What a proxy answers while the server behind it restarts."""
TIMEOUT = urllib3.Timeout(connect=10, read=60)
PATIENCE = 60.0
"""Seconds for which a connection that fails is tried again."""
LONGEST_PAUSE = 5.0


class Server:
    def __init__(self, login: Login, *, patience: float = PATIENCE, say: Callable[[str], None] = str):
        self.login = login
        self.patience = patience
        self._say = say
        self._pool = urllib3.PoolManager(timeout=TIMEOUT, retries=False)

    def get(self, *path: object, **query: object) -> Any:
        return self.ask("GET", address(*path, **query))

    def post(self, *path: object, body: Mapping[str, Any] | None = None) -> Any:
        """Done once, however often it has to be sent: the key says that it is the same."""
        return self.ask("POST", address(*path), body, {"Idempotency-Key": str(uuid.uuid4())})

    def patch(self, *path: object, body: Mapping[str, Any]) -> Any:
        return self.ask("PATCH", address(*path), body)

    def put(self, *path: object, body: Mapping[str, Any]) -> Any:
        return self.ask("PUT", address(*path), body)

    def delete(self, *path: object) -> None:
        self.ask("DELETE", address(*path))

    def upload(self, file: Path, *path: object) -> Any:
        return json.loads(self.send("PUT", address(*path), file=file).data)

    def every(self, *path: object, **query: object) -> Iterator[Any]:
        """All items of a list, page by page."""
        following: str | None = address(*path, limit=100, **query)
        while following:
            page = self.ask("GET", following)
            yield from page["items"]
            following = page["next"] and _local(page["next"])

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        response = self.send(method, path, body, {"Accept": "application/json", **(headers or {})})
        if response.status == 204:
            return None
        try:
            return json.loads(response.data)
        except ValueError:
            hint = "Is it the address of a Slipway, or is something in between?"
            raise Failure(f"{self.login.url} answered no JSON.", hint=hint, status=UNREACHABLE) from None

    def send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        file: Path | None = None,
        stream: bool = False,
    ) -> BaseHTTPResponse:
        """A good answer, or a redirect; raises Refused with the server's own words. Tries again while it is away."""
        end = time.monotonic() + self.patience
        pause = 0.2
        stale = True  # the first connection may be a kept one, which the server has closed meanwhile
        while True:
            why = ""
            try:
                response = self._once(method, path, body, headers or {}, file=file, stream=stream)
                if response.status < 400:
                    return response
                refused = Refused(response.status, _problem(response))
                if response.status not in PASSING and refused.kind != "in-progress":
                    raise refused
                why = refused.message
            except (HTTPError, OSError) as error:
                if stale and isinstance(error, ProtocolError):
                    stale = False
                    continue
                why = _reason(error)
            if time.monotonic() + pause > end:
                hint = "Is the address right, and the server running?"
                raise Failure(f"{self.login.url} does not answer: {why}", hint=hint, status=UNREACHABLE)
            self._say(f"{self.login.url} does not answer ({why}): trying again")
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def elsewhere(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """What the server has sent us to. The token stays here."""
        return self._pool.request("GET", url, headers=dict(headers), preload_content=False, redirect=False)

    def _once(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        *,
        file: Path | None,
        stream: bool,
    ) -> BaseHTTPResponse:
        sent = {"User-Agent": "slipway-client", **headers}
        if self.login.token:
            sent["Authorization"] = f"Bearer {self.login.token}"
        url = f"{self.login.url}{path}"
        ask = partial(self._pool.request, method, url, preload_content=not stream, redirect=False)
        if file:
            sent |= {"Content-Type": "application/octet-stream", "Content-Length": str(file.stat().st_size)}
            with file.open("rb") as opened:
                return ask(body=opened, headers=sent)
        if body is not None:
            sent["Content-Type"] = "application/json"
            return ask(body=json.dumps(body).encode(), headers=sent)
        return ask(headers=sent)


def address(*path: object, **query: object) -> str:
    """("builds", 3), after=7 -> /api/v1/builds/3?after=7; what is None is left out."""
    parts = "/".join(quote(str(part), safe="") for part in path)
    asked = urlencode({name: value for name, value in query.items() if value is not None})
    return f"/api/v1/{parts}{'?' if asked else ''}{asked}"


def _local(url: str) -> str:
    """The next page's path: a server behind a proxy may know itself by another name."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def _problem(response: BaseHTTPResponse) -> Mapping[str, Any]:
    try:
        found = json.loads(response.data)
    except (ValueError, HTTPError, OSError):
        found = None
    return found if isinstance(found, dict) else {"detail": f"The server answered {response.status}."}


def _reason(error: Exception) -> str:
    text = str(error.__cause__ or error)
    return text.rpartition(": ")[2] if "Errno" in text else text
