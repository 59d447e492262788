"""Says that a worker is alive, and hears whether its build should stop."""

from __future__ import annotations

import logging
import threading
from typing import Self

from django.db import DatabaseError, connection
from django.utils import timezone

from .engine.context import Stop
from .models import Build
from .states import BuildState

logger = logging.getLogger(__name__)

INTERVAL = 5.0  # seconds between two beats
GLANCE = 1.0  # seconds between two looks at the state: how long a person waits for "cancel" to be heard


class Heartbeat:
    """While the `with` block runs, keeps `heartbeat_at` fresh, and stops the build when its row says so.

    A database that is away is waited for: only `reconcile` decides that this worker is dead.
    """

    def __init__(self, build: Build, stop: Stop) -> None:
        self._build = build
        self._stop = stop
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"heartbeat of {build.name}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        beats = max(1, round(INTERVAL / GLANCE))
        glances = 0
        while not self._ended.wait(GLANCE):
            glances += 1
            try:
                self._look(beat=glances % beats == 0)
            except DatabaseError as error:
                logger.warning("The heartbeat of %s waits for the database: %s", self._build.name, error)
                connection.close()
        connection.close()

    def _look(self, *, beat: bool) -> None:
        row = Build.objects.filter(pk=self._build.pk)
        if beat:
            row.owned().update(heartbeat_at=timezone.now())
        # Not running any more: cancelled, given up by `reconcile`, or deleted.
        if not row.filter(state=BuildState.RUNNING).exists():
            self._stop.cancel()
