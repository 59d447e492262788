"""A whole installation as its operator runs it: `manage.py up` on a data folder, driven from outside."""

from __future__ import annotations

import hashlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.guests.processes import guests_in
from tests.guests.tiny import Tiny

HEARTBEAT_TIMEOUT = 8  # seconds
TEMPLATE = """
base: {{url: {url}, sha256: {sha256}}}
size: {{cpus: 2, memory: 256M, disk: 1G}}
network: none
provisioners:
  - shell: {{inline: "echo {words} > /etc/motd; sleep {pause}; {extra}"}}
platforms:
  qemu: {{formats: [{formats}]}}
checks:
  - command: {{run: grep -q '{words}' /etc/motd, within: 2}}
"""


class Installation:
    """`data` is its folder, `url` its address."""

    def __init__(self, data: Path, port: int, base_url: str, tiny: Tiny) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{port}"
        self._base = base_url
        self._sha256 = hashlib.sha256(tiny.disk.read_bytes()).hexdigest()
        self._env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SLIPWAY_DATA": str(data),
            "SLIPWAY_HEARTBEAT_TIMEOUT": str(HEARTBEAT_TIMEOUT),
        }
        self._env.pop("DATABASE_URL", None)
        self._manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        self._port = port

    @contextmanager
    def up(self) -> Iterator[None]:
        with (self.data / "up.log").open("ab") as log:
            process = subprocess.Popen(
                [*self._manage, "up", "--port", str(self._port), "--workers", "1"],
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait(lambda: self.answers("/"), 60, "the site answers")
            yield
        finally:
            process.terminate()
            process.wait(60)

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as response:  # noqa: S310 -- our own address
                return bool(response.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False

    def manage(self, *arguments: str) -> str:
        return subprocess.run(
            [*self._manage, *arguments], env=self._env, check=True, capture_output=True, text=True
        ).stdout.strip()

    def do(self, code: str) -> str:
        """Run Python with the verbs at hand; what it prints."""
        names = (
            "from appliances import releases\nfrom builds import queue\n"
            "from appliances.models import *\nfrom builds.models import *\n"
        )
        return self.manage("shell", "--no-imports", "-c", names + textwrap.dedent(code))

    def release(self, version: str, *, formats: str = "qcow2", pause: float = 0, extra: str = "true") -> int:
        """Save a release and ask for its builds; the build's id."""
        template = TEMPLATE.format(
            url=self._base, sha256=self._sha256, words=f"this is {version}", pause=pause, extra=extra, formats=formats
        )
        return int(
            self.do(
                f"""
                team, _ = Team.objects.get_or_create(slug="acme", defaults={{"name": "Acme"}})
                appliance, _ = Appliance.objects.get_or_create(
                    team=team, slug="tiny", defaults={{"name": "Tiny", "summary": "Small."}})
                release = Release.objects.create(appliance=appliance, version={version!r}, template={template!r})
                revision, _ = releases.revise(release, by=None)
                print(revision.builds.get().pk)
                """
            )
        )

    def retry(self, build: int) -> int:
        return int(self.do(f"print(queue.retry(Build.objects.get(pk={build}), by=None).pk)"))

    def rows(self, query: str, *arguments: Any) -> list[Any]:
        database = sqlite3.connect(f"file:{self.data / 'slipway.sqlite3'}?mode=ro", uri=True, timeout=30)
        try:
            return database.execute(query, arguments).fetchall()
        finally:
            database.close()

    def state(self, build: int) -> str:
        return str(self.rows("select state from builds_build where id = ?", build)[0][0])

    def error(self, build: int) -> str:
        return str(self.rows("select error from builds_build where id = ?", build)[0][0])

    def artifacts(self, build: int) -> int:
        return int(self.rows("select count(*) from builds_artifact where build_id = ?", build)[0][0])

    def wait_for_revision(self, build: int, state: str) -> None:
        query = "select r.state from appliances_revision r join builds_build b on b.revision_id = r.id where b.id = ?"
        self.wait(lambda: self.rows(query, build) == [(state,)], 20, f"the revision of build {build} is {state}")

    def reconciled(self, build: int) -> str:
        """How a build whose worker was killed has ended, once reconcile has seen to it."""
        end = time.monotonic() + HEARTBEAT_TIMEOUT + 30
        while self.state(build) not in ("failed", "succeeded"):
            assert time.monotonic() < end, f"reconcile does not end build {build}\n{self.logs()}"
            self.manage("reconcile")
        self.manage("reconcile")
        return self.state(build)

    def wait_for_step(self, build: int, title: str) -> None:
        """Until the first step whose title begins so has begun."""
        query = "select 1 from builds_step where build_id = ? and title like ? and state != 'pending'"
        self.wait(lambda: bool(self.rows(query, build, title + "%")), 120, f"step {title!r} begins")

    def wait_for_state(self, build: int, *states: str, seconds: float = 180) -> str:
        self.wait(lambda: self.state(build) in states, seconds, f"build {build} is {' or '.join(states)}")
        return self.state(build)

    def wait(self, condition: Any, seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}\n{self.logs()}"
            time.sleep(0.02)

    def logs(self) -> str:
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in sorted(self.data.rglob("*.log"))
        )

    def worker_pids(self, build: int) -> list[int]:
        """The process that carries out the build, and the worker that started it."""
        name = self.rows("select worker from builds_build where id = ?", build)[0][0]
        horse = int(name.rsplit(":", 1)[1])
        parent = int(Path(f"/proc/{horse}/stat").read_text().rsplit(")", 1)[1].split()[1])
        return [parent, horse]

    def kill_worker(self, build: int) -> None:
        for pid in self.worker_pids(build):
            os.kill(pid, signal.SIGKILL)

    def pid_of(self, *words: str) -> int:
        """The one process of this installation whose command line has all the words."""
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().decode(errors="replace")
            except OSError:
                continue
            if all(word in line for word in (str(self.data), *words)):
                return int(path.parent.name)
        raise AssertionError(f"no process with {words} of {self.data}")

    def guests(self) -> list[int]:
        return guests_in(self.data / "work")

    def leftovers(self, *, files: bool = True) -> list[str]:
        """Work folders, guests and, with `files`, stored files that nothing owns (swept after a day)."""
        work = [str(path) for path in (self.data / "work").glob("*")]
        known = {row[0] for row in self.rows("select file from builds_artifact")}
        files = self.data / "files"
        stray = [str(path) for path in files.rglob("*") if path.is_file() and str(path.relative_to(files)) not in known]
        return work + (stray if files else []) + [f"guest {pid}" for pid in self.guests()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
