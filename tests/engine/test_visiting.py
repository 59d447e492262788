"""visiting: somebody's own SSH session with a machine."""

from __future__ import annotations

import socket

from builds.engine.console import Recorder
from builds.engine.visiting import Forwarding


class Deaf:
    """A machine whose SSH server has gone."""

    ssh_port = 22

    def connect(self, port: int, timeout: float) -> socket.socket:
        raise ConnectionRefusedError(f"nothing listens on port {port}")


def test_a_connection_that_comes_to_nothing_is_closed_and_the_log_says_why(console: Recorder) -> None:
    with Forwarding(Deaf(), console, "127.0.0.1") as forwarding:  # type: ignore[arg-type]
        with socket.create_connection(("127.0.0.1", forwarding.port), 10) as connection:
            assert connection.recv(1) == b""
        assert "nothing listens on port 22" in console.text
