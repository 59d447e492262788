"""EC2's instance metadata service, as a machine sees it at 169.254.169.254; started by boot.sh in its network.

Version 2: a token is had by PUT and shown with each question; without one the answer is 401, unless the instance
allows version 1. It tells what is in the seed's folder, its only argument.
"""

from __future__ import annotations

import secrets
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

ADDRESS = "169.254.169.254"
TTL, TOKEN = "x-aws-ec2-metadata-token-ttl-seconds", "x-aws-ec2-metadata-token"
SEED = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
READY = Path("/run/metadata")  # is there when it answers
LONGEST = 21600


def facts() -> dict[str, str]:
    said = {path.name: path.read_text().strip() for path in SEED.iterdir() if path.is_file()}
    told = {
        "meta-data/instance-id": said["instance-id"],
        "meta-data/hostname": f"{said['hostname']}.ec2.internal",
        "meta-data/local-hostname": f"{said['hostname']}.ec2.internal",
        **({"user-data": said["user-data"]} if said["user-data"] else {}),
    }
    for number, key in enumerate(said["keys"].splitlines()):
        told[f"meta-data/public-keys/{number}/openssh-key"] = key
    return told


class Handler(BaseHTTPRequestHandler):
    server: Service

    def do_PUT(self) -> None:
        wanted = self.headers.get(TTL, "")
        if self.path != "/latest/api/token":
            self._answer(404)
        elif not wanted.isdigit() or not 1 <= int(wanted) <= LONGEST:
            self._answer(400)
        elif self.headers.get("X-Forwarded-For"):  # somebody else's question, passed on by a proxy
            self._answer(403)
        else:
            token = secrets.token_urlsafe(40)
            self.server.tokens[token] = time.monotonic() + int(wanted)
            self._answer(200, token)

    def do_GET(self) -> None:
        token = self.headers.get(TOKEN)
        if self.server.strict if token is None else self.server.tokens.get(token, 0) < time.monotonic():
            self._answer(401)
            return
        wanted, told = self.path.removeprefix("/latest/").rstrip("/"), facts()
        if wanted in told:
            self._answer(200, told[wanted])
            return
        below = [name.removeprefix(f"{wanted}/") for name in told if name.startswith(f"{wanted}/")]
        names = dict.fromkeys(part + "/" * bool(rest) for part, _, rest in (name.partition("/") for name in below))
        if wanted == "meta-data/public-keys":
            names = dict.fromkeys(f"{name.rstrip('/')}=key" for name in names)
        self._answer(200 if names else 404, "\n".join(names))

    def _answer(self, status: int, text: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *values: object) -> None:
        pass


class Service(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], *, strict: bool) -> None:
        super().__init__(address, Handler)
        self.tokens: dict[str, float] = {}
        self.strict = strict

    def server_bind(self) -> None:
        TCPServer.server_bind(self)  # the other one asks DNS for its name, which nobody here knows
        self.server_name, self.server_port = ADDRESS, 80


if __name__ == "__main__":
    service = Service((ADDRESS, 80), strict=(SEED / "tokens").read_text().strip() != "optional")
    READY.touch()
    service.serve_forever()
