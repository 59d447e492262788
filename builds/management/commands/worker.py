"""`manage.py worker`: builds what waits in the queue, or does errands, until it is stopped."""

import contextlib
import logging
import time
from typing import Any

import django_rq
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connections
from django_rq.workers import get_worker
from redis.exceptions import ConnectionError as NoRedis

from builds.abilities import missing, works_here
from builds.engine.errors import WorkerError
from builds.slots import slot

ERRANDS = "default"  # the queue of what is no build
LONGEST_WAIT = 30  # seconds between two tries to reach Redis


class Command(BaseCommand):
    help = "Build what waits in the queues of the platforms that this machine can do."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--platforms", default="auto", help="Names with commas between, or auto: all that work here."
        )
        parser.add_argument(
            "--errands",
            action="store_true",
            help="Build nothing: look at repositories, tell others what happened, and whatever else takes seconds.",
        )
        parser.add_argument("--burst", action="store_true", help="End when the queues are empty.")

    def handle(self, *, platforms: str, errands: bool, burst: bool, **_: Any) -> None:
        if errands:
            self._work([ERRANDS], "Doing errands.", burst=burst)
            return
        names = self._able() if platforms == "auto" else platforms.split(",")
        if unknown := set(names) - set(settings.PLATFORMS):
            raise CommandError(f"No such platform: {', '.join(unknown)}. There are: {', '.join(settings.PLATFORMS)}.")
        try:
            with slot() if any(map(works_here, names)) else contextlib.nullcontext():
                self._work(names, f"Building for {', '.join(names)}.", burst=burst)
        except WorkerError as error:
            raise CommandError(str(error)) from None

    def _work(self, names: list[str], said: str, *, burst: bool) -> None:
        self._wait_for_redis(names[0])
        worker = get_worker(*names, worker_class="builds.worker.BuildWorker")
        connections.close_all()  # each build runs in a fork of this process
        self.stdout.write(said)
        worker.work(burst=burst, logging_level=logging.getLevelName(logging.WARNING))

    def _able(self) -> list[str]:
        able = []
        for name in settings.PLATFORMS:
            if error := missing(name):
                self.stderr.write(f"{name}: no. {error}")
            else:
                self.stdout.write(f"{name}: yes.")
                able.append(name)
        if not able:
            raise CommandError("This machine can build for no platform: `manage.py doctor` says what is missing.")
        return able

    def _wait_for_redis(self, name: str) -> None:
        wait = 1
        while True:
            try:
                django_rq.get_connection(name).ping()
                return
            except NoRedis as error:
                self.stderr.write(f"Redis does not answer ({error}); trying again in {wait} s.")
                time.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)
