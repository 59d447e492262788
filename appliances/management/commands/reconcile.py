"""`manage.py reconcile`: repairs what killed processes left."""

import logging
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, connection

from appliances import reconcile as revisions
from builds import reaper
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
        while True:  # until it is killed: it may be, at any moment
            try:
                self._round(patience=min(every / 2, reaper.PATIENCE))
            except (DatabaseError, OSError):  # it may work in the next round
                logger.exception("This round of reconcile was broken off")
            connection.close()
            time.sleep(every)

    def _round(self, patience: float = reaper.PATIENCE) -> None:
        for sentence in [*revisions.run(), *builds.run(patience)]:
            self.stdout.write(sentence)
