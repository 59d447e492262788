"""Asks a web server in the machine, from outside."""

from __future__ import annotations

import http.client
import ssl
import time
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from .. import plugin
from ..context import Context
from ..errors import CheckFailed
from ..machine import Machine
from ..quantities import Duration
from .base import Check
from .retry import within

BODY = 2**20  # bytes of an answer that are read
PATIENCE = 15.0  # seconds for one answer
CODE = {"type": "integer", "minimum": 100, "maximum": 599}


def codes(value: object) -> tuple[int, ...]:
    """One status or a list of them. Raises ValueError."""
    found = tuple(value) if isinstance(value, list | tuple) else (value,)
    if not found or not all(type(code) is int and 100 <= code <= 599 for code in found):
        raise ValueError("expected a status such as 200, or a list such as [200, 302]")
    return found


Statuses = Annotated[
    tuple[int, ...],
    BeforeValidator(codes),
    WithJsonSchema({"anyOf": [CODE, {"type": "array", "items": CODE, "minItems": 1}]}),
]


class Http(Check):
    """Sends a GET request from outside the machine. Redirects are not followed: ask for their status."""

    name: ClassVar[str] = "http"
    label: ClassVar[str] = "Web page"

    class Options(plugin.Options):
        port: int = Field(80, ge=1, le=65535)
        """TCP port."""
        path: str = Field("/", pattern=r"^/[!-~]*$")
        """Path and query."""
        status: Statuses = (200,)
        """The status to answer with, or a list of them."""
        contains: str = ""
        """A text that the page must contain, within its first MiB."""
        https: bool = False
        """Speak TLS. The certificate is not verified: a fresh machine has none of its own."""
        headers: dict[str, str] = Field(default_factory=dict)
        """Headers to send; `Host` is localhost unless it is given here."""
        within: Duration = 60
        """Tried again for this long, since services take a moment after boot."""

    @property
    def title(self) -> str:
        scheme = "https" if self.options.https else "http"
        return f"{scheme}: GET :{self.options.port}{self.options.path} answers {self._expected}"

    @property
    def _expected(self) -> str:
        return " or ".join(map(str, self.options.status))

    def check(self, machine: Machine, context: Context) -> str:
        return within(self.options.within, context, lambda: self._look(machine, context))

    def _look(self, machine: Machine, context: Context) -> str:
        started = time.monotonic()
        try:
            response, body = self._get(machine, context)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CheckFailed(
                f"no answer on port {self.options.port}: {error or type(error).__name__}",
                hint="See that the service starts at boot and listens on all addresses.",
            ) from None
        answer = f"{response.status} {response.reason}".strip()
        if location := response.headers.get("Location"):
            answer += f" to {location[:200]}"
        if response.status not in self.options.status:
            raise CheckFailed(f"it answered {answer}, expected {self._expected}")
        if self.options.contains.encode() not in body:
            start = body[:200].decode(errors="replace")
            raise CheckFailed(
                f"it answered {answer}, but the page lacks {self.options.contains!r}; it begins: {start!r}"
            )
        return f"{answer}, {len(body)} bytes in {time.monotonic() - started:.2f} s"

    def _get(self, machine: Machine, context: Context) -> tuple[http.client.HTTPResponse, bytes]:
        end = time.monotonic() + PATIENCE
        connection = http.client.HTTPConnection("localhost", self.options.port, timeout=PATIENCE)
        try:
            connection.sock = machine.connect(self.options.port, PATIENCE)
            connection.sock.settimeout(PATIENCE)
            if self.options.https:
                connection.sock = unverified().wrap_socket(connection.sock, server_hostname="localhost")
            connection.request("GET", self.options.path, headers={"Connection": "close", **self.options.headers})
            response = connection.getresponse()
            body = b""
            while len(body) < BODY and (piece := response.read1(BODY - len(body))):
                body += piece
                context.check()
                if time.monotonic() > end:
                    raise TimeoutError(f"the page did not end within {PATIENCE:.0f} s")
            return response, body
        finally:
            connection.close()


def unverified() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
