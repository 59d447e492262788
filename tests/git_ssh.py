"""A real ssh server on loopback before the repositories of a `GitServer`: whoever has one of its keys may read them."""

from __future__ import annotations

import shlex
import socket
import subprocess
import threading
from pathlib import Path
from typing import Self

import paramiko


class GitSsh:
    """`keys` are public halves as people paste them; more can be added while it runs."""

    def __init__(self, bare: Path) -> None:
        self.keys: list[str] = []
        self.host_key: paramiko.PKey = paramiko.RSAKey.generate(2048)
        self.commands: list[str] = []
        self._bare = bare
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._transports: list[paramiko.Transport] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for transport in self._transports:
            transport.close()
        self._thread.join()

    def url(self, name: str) -> str:
        return f"ssh://git@127.0.0.1:{self._listener.getsockname()[1]}/{name}.git"

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.host_key)
            self._transports.append(transport)
            transport.start_server(threading.Event(), _Door(self))

    def upload_pack(self, channel: paramiko.Channel, command: str) -> None:
        """The one command that such servers allow."""
        self.commands.append(command)
        program, path = shlex.split(command)
        argv = [program, str(self._bare / path.strip("/"))]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            threading.Thread(target=_copy, args=(channel, process), daemon=True).start()
            while data := process.stdout.read1(65536):
                channel.sendall(data)
        channel.send_exit_status(process.returncode)
        channel.close()


class _Door(paramiko.ServerInterface):
    def __init__(self, server: GitSsh) -> None:
        self._server = server

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        known = [each.split()[1] for each in self._server.keys]
        return paramiko.AUTH_SUCCESSFUL if key.get_base64() in known else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, number: int) -> int:
        return paramiko.OPEN_SUCCEEDED

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        text = command.decode()
        if not text.startswith("git-upload-pack "):
            return False
        threading.Thread(target=self._server.upload_pack, args=(channel, text), daemon=True).start()
        return True


def _copy(channel: paramiko.Channel, process: subprocess.Popen[bytes]) -> None:
    while data := channel.recv(65536):
        process.stdin.write(data)
        process.stdin.flush()
    process.stdin.close()
