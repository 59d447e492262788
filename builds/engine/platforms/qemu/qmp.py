"""QMP: how QEMU is spoken to while it runs. One JSON object a line, on a unix socket."""

from __future__ import annotations

import itertools
import json
import re
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from ...errors import WorkerError


class Qmp:
    """A connection to a running QEMU. Events in between are kept: `shutdown_reason` is told by one."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(10)
        self._socket = connection
        self._file = connection.makefile("rb")
        self._events: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)
        self._file.readline()  # its greeting
        self.execute("qmp_capabilities")

    def execute(self, name: str, **arguments: object) -> Any:
        """What QEMU returned. WorkerError when it refuses; OSError when it is gone."""
        return self._execute(name, arguments, ())

    def hand_over(self, descriptor: int, name: str) -> None:
        """Give QEMU an open file, which it calls by that name: it may open none itself."""
        self._execute("getfd", {"fdname": name}, (descriptor,))

    def _execute(self, name: str, arguments: Mapping[str, object], descriptors: Sequence[int]) -> Any:
        number = next(self._numbers)
        line = json.dumps({"execute": name, "arguments": arguments, "id": number}).encode() + b"\n"
        sent = socket.send_fds(self._socket, [line], descriptors)
        self._socket.sendall(line[sent:])
        while answer := self._file.readline():
            message = json.loads(answer)
            if message.get("id") == number:
                if "error" in message:
                    raise WorkerError(f"QEMU refused a command: {message['error'].get('desc', message['error'])}")
                return message["return"]
            self._events.append(message)
        raise ConnectionResetError("QEMU closed its control socket")

    def forward(self, port: int) -> int:
        """Make the guest's TCP port reachable; the port on QEMU's own loopback that leads to it."""
        if port not in (forwards := self._forwards()):
            self._monitor(f"hostfwd_add n0 tcp:127.0.0.1:0-:{port}")
            forwards = self._forwards()
        try:
            return forwards[port]
        except KeyError:
            raise WorkerError(f"QEMU cannot forward port {port} of the machine.") from None

    def connections(self, port: int) -> list[str]:
        """The TCP states of what is forwarded to the guest's port: SYN_SENT until the guest has accepted."""
        return [state for state, _, target in self._table() if target == port and state != "HOST_FORWARD"]

    def _forwards(self) -> dict[int, int]:
        return {target: source for state, source, target in self._table() if state == "HOST_FORWARD"}

    def _table(self) -> list[tuple[str, int, int]]:
        # TCP[HOST_FORWARD]  12       127.0.0.1 40123       10.0.2.15    22     0     0
        rows = re.findall(r"^\s*TCP\[(\w+)\]\s+\S+\s+\S+\s+(\d+)\s+\S+\s+(\d+)\s", self._monitor("info usernet"), re.M)
        return [(state, int(source), int(target)) for state, source, target in rows]

    def _monitor(self, line: str) -> str:
        return str(self.execute("human-monitor-command", **{"command-line": line}))

    def shutdown_reason(self) -> str:
        """After QEMU ended: "guest-shutdown", "guest-reset", …; empty when it was killed."""
        try:
            while line := self._file.readline():
                self._events.append(json.loads(line))
        except (OSError, ValueError):
            pass
        for event in reversed(self._events):
            if event.get("event") == "SHUTDOWN":
                return str(event["data"]["reason"])
        return ""

    def close(self) -> None:
        for end in (self._file, self._socket):
            with suppress(OSError):  # what was not sent does not matter any more
                end.close()
