"""A database that restarts must not cost a long build its end."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)

PATIENCE = 300  # seconds to wait for a database that is away
Result = TypeVar("Result")


def persist(write: Callable[[], Result]) -> Result:
    """Write, and try again while the database is away. `write` may be called several times."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return write()
        except (OperationalError, InterfaceError) as error:
            if connection.in_atomic_block or time.monotonic() > end:
                raise
            logger.warning("Waiting for the database: %s", error)
            connection.close()
            time.sleep(1)
