"""Real servers on loopback for what we send: one takes letters, one is a hook's other end."""

from __future__ import annotations

import contextlib
import email
import email.policy
import http.server
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any


@contextlib.contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[int]:
    """Its port, while it answers."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Receiver:
    """Answers each call with the next of `answers`: a status, or (status, headers, body); None breaks off. Then 200."""

    answers: list[Any] = field(default_factory=list)
    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    hold: threading.Event | None = None
    """No answer before it is set."""
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    @classmethod
    @contextlib.contextmanager
    def run(cls) -> Iterator[Receiver]:
        receiver = cls()

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if receiver.hold:
                    receiver.hold.wait(30)
                answer = receiver.answers.pop(0) if receiver.answers else 200
                if answer is None:
                    return
                status, headers, content = (answer, {}, b"") if isinstance(answer, int) else answer
                self.send_response(status)
                for name, value in {"content-length": str(len(content)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                with contextlib.suppress(OSError):  # nobody wanted the rest
                    self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        with serving(server) as receiver.port:
            yield receiver


@dataclass
class PostOffice:
    """Speaks as much SMTP as Django's client does. `refuse`: what it says to an address instead of 250."""

    letters: list[EmailMessage] = field(default_factory=list)
    refuse: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @classmethod
    @contextlib.contextmanager
    def run(cls) -> Iterator[PostOffice]:
        office = cls()

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.say("220 post office")
                while line := self.rfile.readline().decode().strip():
                    verb = line.split(" ")[0].split(":")[0].upper()
                    if verb == "RCPT":
                        address = line.partition("<")[2].partition(">")[0]
                        self.say(office.refuse.get(address, "250 fine"))
                    elif verb == "DATA":
                        self.say("354 go on")
                        office.letters.append(self.letter())
                        self.say("250 taken")
                    elif verb == "QUIT":
                        self.say("221 bye")
                        return
                    else:
                        self.say("250 fine")

            def letter(self) -> EmailMessage:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
                return email.message_from_bytes(b"".join(lines), policy=email.policy.default)

            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

        with serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)) as office.port:
            yield office
