"""`manage.py up`: the whole installation in one command."""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count, islice
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections

from appliances.models import User
from builds import redis_server
from builds.abilities import missing, works_here
from builds.processes import Program, Supervisor

START_SECONDS = 180  # for Redis to load what it had, and for the web to answer, on a busy machine


class Command(BaseCommand):
    help = "Start everything: web, workers, errands, reconcile and, unless REDIS_URL is set, Redis. Ctrl-C ends it all."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--bind", default="127.0.0.1", help="The address to listen on; 0.0.0.0: all.")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument(
            "--workers", type=int, default=settings.BUILDS_PER_HOST, help="Builds on this machine, side by side."
        )
        parser.add_argument(
            "--waiting", type=int, default=4, help="Builds side by side whose machines run elsewhere, in clouds."
        )
        parser.add_argument(
            "--errands", type=int, default=2, help="Errands side by side, such as looking at repositories."
        )
        parser.add_argument("--quiet", action="store_true", help="Say only what went wrong.")

    def handle(self, *, bind: str, port: int, workers: int, waiting: int, errands: int, quiet: bool, **_: Any) -> None:
        say = (lambda _: None) if quiet else self.stdout.write
        url = os.environ.get("SLIPWAY_URL", f"http://{bind}:{port}")
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        with only_one(url):
            refuse_taken(bind, port)
            call_command("migrate", interactive=False, verbosity=0)
            call_command("collectstatic", interactive=False, verbosity=0)
            if not quiet:
                self._first_admin()
            connections.close_all()
            with stop_signals() as stopped, Supervisor(self.stderr.write) as supervisor:
                if settings.REDIS_SOCKET:
                    say(f"Redis: {redis_server.binary()}")
                    start_redis(supervisor)
                for program in programs(bind, port, url):
                    supervisor.start(program)
                crews = self._crews(workers, waiting)
                for program in (*worker_programs(crews, url), *errand_programs(errands, url)):
                    supervisor.start(program)
                wait_for_web(bind, port, supervisor, stopped)
                say(f"Slipway is at {url} with {described(crews)}; logs in {logs()}.")
                while not stopped:
                    supervisor.tend()
                    time.sleep(0.2)
                say("Ending …")

    def _crews(self, workers: int, waiting: int) -> list[Crew]:
        """Workers for what runs on this machine, as many as it can carry; and others for what is only waited for, so
        that all platforms of a revision are built at the same time.
        """
        able = []
        for name in settings.PLATFORMS:
            if error := missing(name):
                self.stderr.write(f"No worker for {name}: {error}")
            else:
                able.append(name)
        here = [name for name in able if works_here(name)]
        elsewhere = [name for name in able if not works_here(name)]
        return [Crew(names, size) for names, size in ((here, workers), (elsewhere, waiting)) if names and size]

    def _first_admin(self) -> None:
        if User.objects.filter(is_superuser=True).exists():
            return
        if sys.stdin.isatty():
            self.stdout.write("Nobody can sign in yet: who is the first administrator?")
            call_command("createsuperuser")
        else:
            self.stderr.write("Nobody can sign in yet: `manage.py createsuperuser` makes the first administrator.")


@dataclass(frozen=True)
class Crew:
    """Workers that do the same."""

    platforms: list[str]
    size: int


def described(crews: list[Crew]) -> str:
    """ "2 workers for qemu and 4 workers for ec2, vsphere"."""
    each = [f"{crew.size} worker{'s' if crew.size != 1 else ''} for {', '.join(crew.platforms)}" for crew in crews]
    return " and ".join(each) or "no workers: `manage.py doctor` says what is missing"


def programs(bind: str, port: int, url: str) -> Iterator[Program]:
    manage = [sys.executable, settings.BASE_DIR / "manage.py"]
    env = environment(url)
    yield Program(
        "web",
        [
            *(sys.executable, "-m", "gunicorn", "config.wsgi", "--preload", "--chdir", settings.BASE_DIR),
            *("--bind", f"{bind}:{port}", "--worker-class", "gthread", "--workers", "2", "--threads", "8"),
            *("--graceful-timeout", "5", "--no-control-socket", "--logger-class", "config.gunicorn.CleanLogger"),
        ],
        logs() / "web.log",
        env,
    )
    yield Program("reconcile", [*manage, "reconcile", "--every", "60"], logs() / "reconcile.log", env)


def worker_programs(crews: list[Crew], url: str) -> Iterator[Program]:
    number = count(1)
    for crew in crews:
        # What the command line says overrides the setting.
        env = {**environment(url), "SLIPWAY_BUILDS_PER_HOST": str(max(crew.size, settings.BUILDS_PER_HOST))}
        argv = [sys.executable, settings.BASE_DIR / "manage.py", "worker", "--platforms", ",".join(crew.platforms)]
        for each in islice(number, crew.size):
            # Asked to stop, a worker first cleans up after its build.
            yield Program(f"worker {each}", argv, logs() / f"worker-{each}.log", env, patience=60)


def errand_programs(size: int, url: str) -> Iterator[Program]:
    """Workers that build nothing, so that neither a push nor a letter waits for a build."""
    argv = [sys.executable, settings.BASE_DIR / "manage.py", "worker", "--errands"]
    for each in range(1, size + 1):
        yield Program(f"errands {each}", argv, logs() / f"errands-{each}.log", environment(url), patience=30)


def environment(url: str) -> dict[str, str]:
    return {"SLIPWAY_URL": url, "PYTHONUNBUFFERED": "1"}


def start_redis(supervisor: Supervisor) -> None:
    path = settings.REDIS_SOCKET
    try:
        argv = redis_server.command(path)
    except redis_server.NoServer as error:
        raise CommandError(str(error)) from error
    path.unlink(missing_ok=True)  # what a killed server left
    program = Program("redis", argv, logs() / "redis.log", stage=0)
    supervisor.start(program)
    end = time.monotonic() + START_SECONDS
    while not redis_server.answers(path):
        if not program.runs or time.monotonic() > end:
            raise CommandError(f"Redis did not start: {program.log} says why. Or set REDIS_URL to one that runs.")
        time.sleep(0.02)


def wait_for_web(bind: str, port: int, supervisor: Supervisor, stopped: list[int]) -> None:
    end = time.monotonic() + START_SECONDS
    while not stopped:
        with suppress(OSError), socket.create_connection((reachable(bind), port), timeout=1):
            return
        if time.monotonic() > end:
            raise CommandError(f"The web did not start: {logs() / 'web.log'} says why.")
        supervisor.tend()
        time.sleep(0.1)


def refuse_taken(bind: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((bind, port))
        except OSError as error:
            raise CommandError(
                f"{bind}:{port} cannot be listened on ({error.strerror}): try --port {port + 1}."
            ) from error


def reachable(bind: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bind, bind)  # noqa: S104 -- compared, not listened on


@contextmanager
def only_one(url: str) -> Iterator[None]:
    """Two installations in one data folder would fight over its queue and its files."""
    with (settings.DATA_DIR / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CommandError(
                f"Slipway runs in {settings.DATA_DIR} already ({lock.read().strip()}). "
                "End that one, or choose another folder with SLIPWAY_DATA."
            ) from None
        lock.truncate(0)
        lock.write(f"process {os.getpid()}, {url}\n")
        lock.flush()
        yield


@contextmanager
def stop_signals() -> Iterator[list[int]]:
    """Empty until Ctrl-C or SIGTERM. No Event: setting one in a handler can block the thread that waits for it."""
    stopped: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = [signal.signal(number, lambda number, _: stopped.append(number)) for number in numbers]
    try:
        yield stopped
    finally:
        for number, handler in zip(numbers, former, strict=True):
            signal.signal(number, handler)


def logs() -> Any:
    return settings.DATA_DIR / "log"
