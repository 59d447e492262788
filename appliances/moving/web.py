"""Asks a server politely: waits when it says so, tries again when it is away, and shows the token to it alone."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import getproxies, proxy_bypass

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError, LocationValueError
from urllib3.response import BaseHTTPResponse

from builds.engine.errors import BuildError, SlipwayError
from builds.engine.reach import ANYWHERE

PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds before each further try, unless the server says how long."""
LONGEST = 3600
"""Seconds that a server may make us wait at once."""
AWAY = frozenset({408, 425, 429, 500, 502, 503, 504})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 10
LIMIT = 64 << 20
"""Bytes of a JSON document."""
Origin = tuple[str, str, int]
TIMEOUT = urllib3.Timeout(connect=10, read=60)


class Unreachable(SlipwayError):  # noqa: N818 -- like Cancelled, it says what is the matter
    """The server does not answer, or not for long enough."""


class Denied(BuildError):  # noqa: N818
    """The server answers, but not with what was asked for."""

    def __init__(self, url: str, status: int, *, hint: str = "") -> None:
        super().__init__(f"{shown(url)} answered {status}.", hint=hint)
        self.status = status


class Web:
    """`token` goes to the origin of `url`, and nowhere else: not to where a download is redirected."""

    def __init__(self, url: str, token: str = "", say: Callable[[str], None] = str) -> None:
        self._origin = origin(url)
        self._token = token
        self.say = say
        self._not_before: dict[Origin, float] = {}
        self._pools: dict[Origin, urllib3.PoolManager] = {}

    def close(self) -> None:
        for each in self._pools.values():
            each.clear()

    def json(self, url: str) -> Any:
        """Raises Denied when it is not JSON, or not there."""
        response = self.open(url, {"Accept": "application/json"})
        try:
            data = response.read(LIMIT + 1)
            if len(data) > LIMIT:
                raise BuildError(f"{shown(url)} is larger than {LIMIT >> 20} MiB: no list of boxes.")
            return json.loads(data)
        except (ValueError, RecursionError):
            raise Denied(url, 404, hint="It is no JSON: is this the address of a registry?") from None
        except (HTTPError, OSError) as error:
            raise Unreachable(f"{shown(url)} broke off: {reason(error)}.") from None
        finally:
            response.close()

    def open(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """A good answer, or 416; its body is still to be read. Raises Denied or Unreachable."""
        pauses = iter(PAUSES)
        while True:
            told: float | None = None
            try:
                response = self._follow(url, headers)
                if response.status in (200, 206, 416):
                    return response
                response.close()
                if response.status not in AWAY:
                    raise Denied(url, response.status, hint=self._advice(response.status))
                why, told = f"it answered {response.status}", patience(response)
            except (LocationParseError, LocationValueError) as error:
                raise BuildError(f"{shown(url)!r} is not an address: {reason(error)}.") from None
            except (HTTPError, OSError) as error:
                why = reason(error)
            pause = next(pauses, None)
            if pause is None:
                raise Unreachable(
                    f"{shown(url)} cannot be had: {why}.", hint="Run it again later: it goes on from here."
                )
            self._wait(url, told if told is not None else pause, why)

    def _follow(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        for _ in range(HOPS):
            here = origin(url)
            if (left := self._not_before.pop(here, 0) - time.time()) > 0:
                self._wait(url, left, "its limit is reached")
            response = self._once(url, headers, here)
            if response.status < 400 and response.headers.get("X-RateLimit-Remaining") == "0":
                self._not_before[here] = moment(response) or 0
            where = response.headers.get("Location")
            if response.status not in REDIRECTS or not where:
                return response
            response.close()
            url = urljoin(url, where)
        raise Denied(url, response.status, hint=f"It sends from one address to the next, more than {HOPS} times.")

    def _once(self, url: str, headers: Mapping[str, str], here: Origin) -> BaseHTTPResponse:
        sent = {"User-Agent": "slipway", "Accept-Encoding": "identity", **headers}
        if self._token and here == self._origin:
            sent["Authorization"] = f"Bearer {self._token}"
        if here not in self._pools:
            self._pools[here] = pool(url)
        return self._pools[here].request("GET", url, headers=sent, preload_content=False, redirect=False)

    def _wait(self, url: str, seconds: float, why: str) -> None:
        if seconds > LONGEST:
            hint = "Run it again then: it goes on from here."
            raise Unreachable(
                f"{urlsplit(url).hostname} asks to be left alone for {seconds / 60:.0f} minutes.", hint=hint
            )
        if seconds > 0:
            self.say(f"{urlsplit(url).hostname}: {why}; going on in {seconds:.0f} s")
            time.sleep(seconds)

    def _advice(self, status: int) -> str:
        if status in (401, 403):
            return "Its token may not read that." if self._token else "A token is needed: see --token-from-env."
        return ""


def pool(url: str) -> urllib3.PoolManager:
    """Through the proxy that the environment names for such addresses, as all other programs go."""
    address = urlsplit(url)
    proxy = getproxies().get(address.scheme)
    if proxy and not proxy_bypass(address.hostname or ""):
        return urllib3.ProxyManager(proxy, retries=False, timeout=TIMEOUT)
    return ANYWHERE.pool(retries=False, timeout=TIMEOUT)


def origin(url: str) -> Origin:
    """What a token is for. Raises LocationParseError."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}[parts.scheme]
    except ValueError:
        raise LocationParseError(shown(url)) from None


def patience(response: BaseHTTPResponse) -> float | None:
    """How many seconds the server asks us to wait, if it does."""
    text = response.headers.get("Retry-After", "")
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        reset = moment(response) if response.status == 429 else None
        return max(0.0, reset - time.time()) if reset else None


def moment(response: BaseHTTPResponse) -> float | None:
    """When the server's limit is lifted: some give the time, some how many seconds it will be."""
    text = response.headers.get("X-RateLimit-Reset", "")
    if not text.isdecimal():
        return None
    return float(text) if len(text) > 8 else time.time() + float(text)


def shown(url: str) -> str:
    """Without what may be secret in it."""
    return re.sub(r"//[^/@]*@", "//", url.partition("?")[0])


def reason(error: BaseException) -> str:
    """The innermost cause in a few words: the outer ones only name classes."""
    while isinstance(cause := getattr(error, "reason", None) or error.__cause__, BaseException):
        error = cause
    return re.sub(r"^<.*?>: |^\S*\(host=.*?\): ", "", str(error)) or type(error).__name__
