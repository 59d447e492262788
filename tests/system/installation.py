"""A whole installation as its operator runs it: `manage.py up` on a data folder, driven from outside."""

from __future__ import annotations

import hashlib
import json
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
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.guests.processes import guests_in
from tests.guests.tiny import Tiny

FINAL = ("succeeded", "failed", "cancelled")
AT_ONCE = 0.02  # seconds between two looks for what lasts a moment only
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

# Starting Django takes longer than most of what it is asked here: so it is started once.
OPERATOR = """
import contextlib, io, json, sys, traceback
from django.db import connections
from appliances import releases
from appliances.models import *
from builds import queue
from builds.models import *
for line in sys.stdin:
    said, wrong = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(said):
            exec(json.loads(line))
    except Exception:
        wrong = traceback.format_exc()
    connections.close_all()
    print(json.dumps([said.getvalue(), wrong]), flush=True)
"""


class Installation:
    """`data` is its folder, `url` its address."""

    heartbeat_timeout = 8  # seconds

    def __init__(
        self, data: Path, port: int, base_url: str, tiny: Tiny, environment: Mapping[str, str] | None = None
    ) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{port}"
        self._base = base_url
        self._sha256 = hashlib.sha256(tiny.disk.read_bytes()).hexdigest()
        self._env = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "SLIPWAY_DATA": str(data),
            "SLIPWAY_HEARTBEAT_TIMEOUT": str(self.heartbeat_timeout),
            "SLIPWAY_ALLOWED_NETWORKS": "127.0.0.0/8",
            **(environment or {}),
        }
        self._env.pop("DATABASE_URL", None)
        self._manage = [sys.executable, str(settings.BASE_DIR / "manage.py")]
        self._port = port
        self._operator: subprocess.Popen[str] | None = None
        self._database: sqlite3.Connection | None = None

    @contextmanager
    def up(self, workers: int = 1, waiting: int = 1) -> Iterator[None]:
        """With so many workers for what runs here, and for what is only waited for."""
        argv = [*self._manage, "up", "--port", str(self._port), "--workers", str(workers), "--waiting", str(waiting)]
        argv += ["--errands", "1"]
        with (self.data / "up.log").open("ab") as log:
            process = subprocess.Popen(
                argv,
                env=self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait(lambda: self.answers("/"), 180, "the site answers")
            yield
        finally:
            process.terminate()
            process.wait(60)
            if self._operator:
                self._operator.communicate()
                self._operator = None
            if self._database:
                self._database.close()
                self._database = None

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
        return self.do(f"from django.core.management import call_command; call_command(*{arguments!r})")

    def do(self, code: str) -> str:
        """Run Python with the verbs at hand, in a process beside the site's; what it prints."""
        if self._operator is None:
            pipe = subprocess.PIPE
            argv = [*self._manage, "shell", "--no-imports", "-c", OPERATOR]
            self._operator = subprocess.Popen(argv, env=self._env, stdin=pipe, stdout=pipe, text=True)
        self._operator.stdin.write(json.dumps(textwrap.dedent(code)) + "\n")
        self._operator.stdin.flush()
        said, wrong = json.loads(self._operator.stdout.readline())
        assert not wrong, wrong
        return str(said).strip()

    def release(self, version: str, *, formats: str = "qcow2", pause: float = 0, extra: str = "true") -> int:
        """Save a release and ask for its builds; the build's id."""
        template = TEMPLATE.format(
            url=self._base, sha256=self._sha256, words=f"this is {version}", pause=pause, extra=extra, formats=formats
        )
        return self.build({version: template})[version]["qemu"]

    def build(
        self, templates: Mapping[str, str], *, appliance: str = "tiny", by_hand: bool = False
    ) -> dict[str, dict[str, int]]:
        """Save releases and ask for their builds: version -> platform -> the build's id."""
        said = self.do(
            f"""
            import json
            team, _ = Team.objects.get_or_create(slug="acme", defaults={{"name": "Acme"}})
            appliance, _ = Appliance.objects.get_or_create(team=team, slug={appliance!r}, defaults={{
                "name": "Tiny", "summary": "Small.", "publish_automatically": {not by_hand}}})
            made = {{}}
            for version, template in json.loads({json.dumps(dict(templates))!r}).items():
                release = Release.objects.create(appliance=appliance, version=version, template=template)
                revision, _ = releases.revise(release, by=None)
                made[version] = {{build.platform: build.pk for build in revision.builds.all()}}
            print(json.dumps(made))
            """
        )
        return dict(json.loads(said))

    def retry(self, build: int) -> int:
        return int(self.do(f"print(queue.retry(Build.objects.get(pk={build}), by=None).pk)"))

    def rows(self, query: str, *arguments: Any) -> list[Any]:
        if self._database is None:  # one for all: reading the list of tables takes longer than most queries
            self._database = sqlite3.connect(f"file:{self.data / 'slipway.sqlite3'}?mode=ro", uri=True, timeout=30)
        return self._database.execute(query, arguments).fetchall()

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
        self.reconcile([build])
        return self.state(build)

    def reconcile(self, builds: Iterable[int]) -> None:
        """When these, whose workers were killed, have been silent for long enough; and once more, as every minute."""
        for build in builds:
            self.wait(
                lambda build=build: not self.is_heard(build), self.heartbeat_timeout + 60, f"build {build} is silent"
            )
        for _ in range(2):
            self.manage("reconcile")

    def is_heard(self, build: int) -> bool:
        """Does it run, and has its worker been heard of lately?"""
        query = """
            select 1 from builds_build where id = ? and state in ('running', 'cancelling')
            and julianday('now') - julianday(heartbeat_at) <= ? / 86400.0
            """
        return bool(self.rows(query, build, self.heartbeat_timeout + 1))

    def wait_for_step(self, build: int, title: str) -> None:
        """Until the first step whose title begins so has begun."""
        self.wait(lambda: self.began(build, title), 120, f"step {title!r} begins", AT_ONCE)

    def began(self, build: int, title: str) -> bool:
        query = "select 1 from builds_step where build_id = ? and title like ? and state != 'pending'"
        return bool(self.rows(query, build, title + "%"))

    def wait_for_state(self, build: int, *states: str, seconds: float = 180) -> str:
        self.wait(lambda: self.state(build) in states, seconds, f"build {build} is {' or '.join(states)}")
        return self.state(build)

    def wait(self, condition: Any, seconds: float, what: str, pause: float = 0.1) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}\n{self.logs()}"
            time.sleep(pause)

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

    def leftovers(self, *, files: bool = True, besides: Collection[str] = ()) -> list[str]:
        """Work folders, guests and, with `files`, stored files that nothing owns: those are swept after a day only, so
        that tests which kill leave some to others.
        """
        work = [str(path) for path in (self.data / "work").glob("*")]
        known = {row[0] for row in self.rows("select file from builds_artifact")}
        store = self.data / "files"
        stray = [str(path) for path in store.rglob("*") if path.is_file() and str(path.relative_to(store)) not in known]
        found = work + (stray if files else []) + [f"guest {pid}" for pid in self.guests()]
        return [each for each in found if each not in besides]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
