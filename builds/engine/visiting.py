"""Somebody's own SSH session with a machine: their key is let in, and a port of this host leads to its SSH server."""

from __future__ import annotations

import shlex
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_ssh_public_key

from .console import Console
from .context import Context
from .errors import BuildError, SlipwayError, WorkerError
from .ssh import SshMachine

KEY_TYPES = (
    *("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa"),
    *("sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com"),
)
RSA_BITS = 2048
AT_ONCE = 16
"""Connections; the next ones wait."""
CONNECT = 10.0
"""Seconds within which the machine must take a connection."""
PIECE = 65536


def public_key(text: str) -> str:
    """The key of a line as `~/.ssh/id_ed25519.pub` has it, without its comment. BuildError: it is no such line.

    Options before the key are refused: what they would do in the machine is not for us to judge.
    """
    hint = "Paste the one line of a file such as ~/.ssh/id_ed25519.pub."
    words = text.split()
    if "PRIVATE KEY" in text:
        raise BuildError("This is a private key, which nobody else should have seen: stop using it.", hint=hint)
    if len(text.strip().splitlines()) != 1 or len(words) < 2 or words[0] not in KEY_TYPES:
        raise BuildError(f"This is no public key of a kind that is known: {', '.join(KEY_TYPES)}.", hint=hint)
    line = " ".join(words[:2])
    try:
        key = load_ssh_public_key(line.encode())
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BuildError(f"The public key cannot be read: {error}", hint=hint) from error
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < RSA_BITS:
        raise BuildError(f"The key has {key.key_size} bits; {RSA_BITS} are the least.", hint="Make one of ssh-ed25519.")
    return line


def admit(machine: SshMachine, line: str, context: Context) -> None:
    """Let whoever has that key in as the user whom we log in as ourselves. There is no way back: this machine must
    never become an image.
    """
    user = shlex.quote(machine.user)
    script = f"""\
        home=$(grep "^"{user}: /etc/passwd | cut -d: -f6) && umask 077 && mkdir -p "$home/.ssh" &&
        printf '\\n%s\\n' {shlex.quote(line)} >> "$home/.ssh/authorized_keys" &&
        chown -R {user} "$home/.ssh" &&
        if command -v restorecon; then restorecon -R "$home/.ssh"; fi"""
    machine.expect(script, context)


class Forwarding:
    """While the `with` block runs, listens on this host and passes each connection on to the machine's SSH server.

    Other hosts need not reach the machine: QEMU's has no network of its own, and a cloud lets only the worker in.
    """

    def __init__(self, machine: SshMachine, console: Console, address: str, ports: Iterable[int] = (0,)) -> None:
        """`console` is told, from another thread, why a connection came to nothing."""
        self._machine = machine
        self._console = console
        self._listener = listen(address, ports)
        self.port: int = self._listener.getsockname()[1]
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._ends: set[socket.socket] = set()
        self._room = threading.BoundedSemaphore(AT_ONCE)
        self._thread = threading.Thread(target=self._accept, name="ssh forwarding", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closed.set()
        _end(self._listener)
        with self._lock:
            for end in self._ends:
                _end(end)
        self._thread.join()  # it may be asking the machine, which goes after this
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            self._room.acquire()
            try:
                near, _ = self._listener.accept()
            except OSError:  # it was closed
                return
            try:
                # One after another: a machine's control connection is not for several threads.
                far = self._machine.connect(self._machine.ssh_port, CONNECT)
            except (OSError, SlipwayError) as error:
                self._console.write(f"Somebody's SSH connection was not passed on: {error}\n")
                near.close()
                self._room.release()
                continue
            self._join(near, far)

    def _join(self, near: socket.socket, far: socket.socket) -> None:
        with self._lock:
            self._ends |= {near, far}
            if self._closed.is_set():
                _end(near)
        for end in (near, far):
            end.settimeout(None)
        threading.Thread(target=self._pass_both, args=(near, far), name="ssh connection", daemon=True).start()

    def _pass_both(self, near: socket.socket, far: socket.socket) -> None:
        back = threading.Thread(target=_pass_on, args=(far, near), name="ssh connection, back", daemon=True)
        back.start()
        _pass_on(near, far)
        back.join()
        with self._lock:
            self._ends -= {near, far}
        for end in (near, far):
            end.close()
        self._room.release()


def listen(address: str, ports: Iterable[int]) -> socket.socket:
    """On the first of the ports that is free; WorkerError when none is."""
    problem: OSError | None = None
    for port in ports:
        try:
            family, _, _, _, place = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
            return socket.create_server(place[:2], family=family)
        except OSError as error:
            problem = error
    raise WorkerError(
        f"This worker cannot listen on {address} for SSH ({problem or 'no port was named'}).",
        hint="SLIPWAY_DEBUG_ADDRESS must be an address of the worker, SLIPWAY_DEBUG_PORTS a range with free ports.",
    )


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    """Until one side ends, which ends the other."""
    with suppress(OSError):
        while data := source.recv(PIECE):
            target.sendall(data)
    for end in (source, target):
        _end(end)


def _end(connection: socket.socket) -> None:
    """Wakes who waits on it."""
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
