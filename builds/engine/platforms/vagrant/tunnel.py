"""Into a machine behind its provider's NAT: a TCP connection through its SSH server, as an ordinary socket."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import paramiko

PIECE = 32768


def open_tunnel(transport: paramiko.Transport, port: int, timeout: float) -> socket.socket:
    """Connects to the machine's own address, not to its loopback, where nobody from outside could go.

    OSError when nothing listens.
    """
    try:
        address = _address(transport, timeout)
        channel = transport.open_channel("direct-tcpip", (address, port), ("127.0.0.1", 0), timeout=timeout)
    except (paramiko.SSHException, EOFError) as error:
        raise ConnectionRefusedError(f"port {port} does not answer in the machine: {error}") from error
    near, far = socket.socketpair()
    for source, target in ((far, channel), (channel, far)):
        threading.Thread(target=_pass_on, args=(source, target), name="tunnel", daemon=True).start()
    near.settimeout(timeout)
    return near


def _address(transport: paramiko.Transport, timeout: float) -> str:
    """The one at which its SSH server was reached."""
    with transport.open_session(timeout=timeout) as channel:
        channel.settimeout(timeout)
        channel.exec_command("echo $SSH_CONNECTION")
        said = channel.recv(1024).decode().split()
    return said[2] if len(said) == 4 else "127.0.0.1"


def _pass_on(source: socket.socket | paramiko.Channel, target: socket.socket | paramiko.Channel) -> None:
    """Until one side ends, which ends the other."""
    with suppress(OSError, EOFError):
        while data := source.recv(PIECE):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError, EOFError):
            end.shutdown(socket.SHUT_RDWR)  # wakes who waits on it
        with suppress(OSError, EOFError):  # a channel says goodbye, and its machine may be gone
            end.close()
