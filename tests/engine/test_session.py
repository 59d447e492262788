"""Logging in over a connection that is there already."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import paramiko
import pytest

from builds.engine.errors import BuildError
from builds.engine.seed import KeyPair
from builds.engine.session import Refused, load_key, login

PASSWORD = "opens it"


class Door(paramiko.ServerInterface):
    """Takes one password."""

    def check_auth_password(self, username: str, password: str) -> int:
        known = (username, password) == ("admin", PASSWORD)
        return paramiko.AUTH_SUCCESSFUL if known else paramiko.AUTH_FAILED


@pytest.fixture
def host() -> KeyPair:
    return KeyPair.generate()


@pytest.fixture
def connection(host: KeyPair) -> Iterator[socket.socket]:
    ours, theirs = socket.socketpair()
    server = paramiko.Transport(theirs)
    server.add_server_key(host.load())
    server.start_server(server=Door(), event=threading.Event())
    yield ours
    server.close()


def test_a_password_opens_what_knows_it(connection: socket.socket, host: KeyPair) -> None:
    transport = login(connection, "admin", PASSWORD, host.public)
    assert transport.is_authenticated()
    transport.close()


def test_a_wrong_password_is_refused_without_being_told(connection: socket.socket, host: KeyPair) -> None:
    with pytest.raises(Refused, match="does not let admin in with the password") as raised:
        login(connection, "admin", "wrong one", host.public)
    assert "wrong one" not in str(raised.value)


def test_nobody_hears_the_password_before_the_machine_has_proved_itself(connection: socket.socket) -> None:
    with pytest.raises(Refused, match="another host key"):
        login(connection, "admin", PASSWORD, KeyPair.generate().public)


def test_a_key_of_no_known_kind_is_refused() -> None:
    assert load_key(KeyPair.generate().private).get_name() == "ssh-ed25519"
    with pytest.raises(BuildError, match="of no kind that can be read"):
        load_key("no key")
