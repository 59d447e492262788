"""Real servers in a temporary folder, for as long as a `with` block runs."""

from __future__ import annotations

import contextlib
import http.server
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from builds import redis_server
from builds.processes import die_with_parent

START_SECONDS = 30


@contextlib.contextmanager
def redis() -> Iterator[Path]:
    """A Redis as `manage.py up` starts it; gives the path of its socket."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        path = Path(folder) / "redis.sock"
        with running(redis_server.command(path), lambda: redis_server.answers(path)):
            yield path


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL cluster without fsync on a socket in a temporary folder; gives its DATABASE_URL."""
    programs = postgres_programs()
    account = unprivileged()
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        if account:
            os.chown(folder, account.pw_uid, account.pw_gid)
        as_user = (
            [
                *("setpriv", "--pdeathsig", "INT", "--clear-groups"),
                *(f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"),
            ]
            if account
            else []
        )
        data = f"{folder}/data"
        initdb = [*as_user, programs / "initdb", "-D", data, "-U", "slipway", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder)
        server = [
            *(*as_user, programs / "postgres", "-D", data, "-k", folder, "-c", "listen_addresses="),
            *("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off"),
        ]
        ready = [programs / "pg_isready", "-q", "-h", folder, "-U", "slipway"]
        with running(server, lambda: subprocess.call(ready) == 0, cwd=folder):
            yield f"postgres://slipway@/{folder}/postgres"


def postgres_programs() -> Path:
    """Debian keeps the server's programs off PATH."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        return folder
    if found := shutil.which("postgres"):
        return Path(found).resolve().parent
    raise FileNotFoundError("PostgreSQL is not installed: apt-get install postgresql")


def unprivileged() -> pwd.struct_passwd | None:
    """The account for a server that refuses to run as root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError("neither postgres nor nobody has an account here")


@contextlib.contextmanager
def running(argv: list[object], ready: Callable[[], bool], cwd: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """The program, once it is ready; what it says shows when it does not start."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [os.fspath(part) for part in argv], stdout=log, stderr=log, cwd=cwd, preexec_fn=die_with_parent
        )
        try:
            end = time.monotonic() + START_SECONDS
            while not ready():
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    raise RuntimeError(f"{argv[0]} did not start:\n{log.read().decode(errors='replace')}")
                time.sleep(0.02)
            yield process
        finally:
            process.send_signal(signal.SIGINT)  # PostgreSQL: fast shutdown
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder's files on a loopback address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
