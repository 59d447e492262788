"""Vagrant's document of 1,000 versions x 4 providers, asked for again by clients that have it; and an empty view.

One core serves both, through the same server and the same middleware.
"""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from . import site

REQUESTS, CONNECTIONS = 2000, 4


def prepare(work: Path, stack: ExitStack) -> tuple[Callable[[], None], Callable[[], None]]:
    port = site.serve(work, stack, "metadata")
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/acme/wiki", headers={"Accept": "application/json"})
    answer = connection.getresponse()
    size, etag = len(answer.read()), answer.headers["ETag"]
    if answer.status != 200 or size < 10**6:
        raise RuntimeError(f"The document is not there: {answer.status}, {size} bytes.")
    again = f"/acme/wiki HTTP/1.1\r\nAccept: application/json\r\nIf-None-Match: {etag}"
    return partial(ask, port, again, 304), partial(ask, port, "/bench/nothing HTTP/1.1", 200)


def ask(port: int, what: str, status: int) -> None:
    """`REQUESTS` times; each answer has no body."""
    request = f"GET {what}\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for done in [pool.submit(repeat, port, request, status) for _ in range(CONNECTIONS)]:
            done.result()


def repeat(port: int, request: bytes, status: int) -> None:
    expected = f"HTTP/1.1 {status} ".encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        for _ in range(REQUESTS // CONNECTIONS):
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"\r\n\r\n"):
                if not (more := connection.recv(65536)):
                    raise RuntimeError(f"The server hung up after {answer!r}.")
                answer += more
            if not answer.startswith(expected):
                raise RuntimeError(f"It answered {answer!r}.")
