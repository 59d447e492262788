"""Whose turn it is to look at a repository: one worker's, for as long as it lives."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from typing import Self

from django.db import DatabaseError, connection
from django.db.models import F, Q
from django.utils import timezone

from .models import Repository

logger = logging.getLogger(__name__)

LEASE = timedelta(seconds=45)
"""A worker that has not renewed its turn for so long is dead."""
RENEWAL = 10.0  # seconds


class Turn:
    """While the `with` block runs, the turn is renewed. It ends with `end`, not with the block."""

    def __init__(self, repository_id: int) -> None:
        self._row = Repository.objects.filter(pk=repository_id)
        self._until = None
        self._stop = threading.Event()

    def begin(self) -> bool:
        """Take what was asked for, the first time or again. False: nothing was, or another worker has the turn."""
        now = timezone.now()
        free = Q(looking_until=None) | Q(looking_until__lt=now)
        if self._until:
            free |= Q(looking_until=self._until)
        mine = now + LEASE
        if not self._row.filter(free, asked__gt=F("taken")).update(looking_until=mine, taken=F("asked")):
            return False
        self._until = mine
        return True

    def end(self, *, anyway: bool) -> bool:
        """False when it was asked again meanwhile; with `anyway`, `reconcile` sees to that."""
        mine = self._row.filter(looking_until=self._until)
        return bool((mine if anyway else mine.filter(asked=F("taken"))).update(looking_until=None))

    def __enter__(self) -> Self:
        self._stop.clear()
        self._thread = threading.Thread(target=self._renew_often, name="turn", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._stop.set()
        self._thread.join()

    def _renew_often(self) -> None:
        while not self._stop.wait(RENEWAL):
            try:
                self.renew()
            except DatabaseError as error:
                logger.warning("A look's turn waits for the database: %s", error)
                connection.close()
        connection.close()

    def renew(self) -> None:
        mine = timezone.now() + LEASE
        if self._row.filter(looking_until=self._until).update(looking_until=mine):
            self._until = mine
