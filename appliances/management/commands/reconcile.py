"""`manage.py reconcile`: repairs what killed processes left."""

import logging
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection

from appliances import reconcile as revisions
from builds import reconcile as builds

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = "Fail builds whose worker died, enqueue what the queue forgot, sweep leftovers. Safe on many machines."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, default=0, help="Seconds between two rounds; 0: only one round.")

    def handle(self, *, every: float, **_: Any) -> None:
        if not every:
            self._round()
            return
        stopped = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: stopped.set())
        while not stopped.is_set():
            try:
                self._round()
            except (DatabaseError, OSError):  # it may work in the next round
                logger.exception("This round of reconcile was broken off")
            connection.close()
            stopped.wait(every)

    def _round(self) -> None:
        for sentence in [*builds.run(), *revisions.run()]:
            self.stdout.write(sentence)
