"""Logging in to simulated machines as anybody would: over SSH."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import paramiko


def new_key() -> paramiko.PKey:
    return paramiko.ECDSAKey.generate()


def public(key: paramiko.PKey) -> str:
    return f"{key.get_name()} {key.get_base64()}"


@contextmanager
def login(address: str, key: paramiko.PKey, user: str = "admin", seconds: float = 60) -> Iterator[paramiko.SSHClient]:
    """A connection; tried until the machine answers."""
    end = time.monotonic() + seconds
    while True:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy)  # noqa: S507 -- tests look at its key themselves
        try:
            client.connect(address, username=user, pkey=key, timeout=5, look_for_keys=False, allow_agent=False)
            break
        except (OSError, paramiko.SSHException):
            client.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    with client:
        yield client


def run(client: paramiko.SSHClient, command: str) -> str:
    """The command's output; an AssertionError with it when the command fails."""
    _, output, _ = client.exec_command(f"{{ {command}\n}} 2>&1")
    text = output.read().decode()
    assert output.channel.recv_exit_status() == 0, text
    return text.strip()
