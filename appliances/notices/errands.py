"""What goes outside, one at a time: taken by one worker, ended by it, tried again with growing pauses, given up.

A job on the queue "default" only wakes a worker, which then does whatever is due. So a job that is lost or comes twice
does no harm: `reconcile` wakes one every minute while anything is due.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import django_rq
from django.db import connection, transaction
from django.utils import timezone
from redis.exceptions import RedisError

from appliances.models.errand import Errand
from builds import states
from builds.moves import Lost, Moves
from builds.patience import persist
from builds.states import DeliveryState
from builds.text import storable

logger = logging.getLogger(__name__)

PAUSES = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
"""Before each of the further attempts."""
DEAD = timedelta(minutes=5)
"""No attempt takes that long: its worker was killed."""
SHIFT = 240.0
"""Seconds after which a job lets another go on, well before RQ ends it."""
TIMEOUT = 600

move_errand = Moves(states.DELIVERY_MOVES)
AnErrand = TypeVar("AnErrand", bound=Errand)


def wake(job: str) -> None:
    """Let a worker do that job of `notices.jobs` soon; with Redis away, `reconcile` sees to it."""
    try:
        queue = django_rq.get_queue("default", commit_mode="auto")
        queue.enqueue(f"appliances.notices.jobs.{job}", job_timeout=TIMEOUT, result_ttl=0)
    except RedisError as error:
        logger.warning("Redis does not answer (%s): %s waits.", error, job)


def work(kind: type[AnErrand], do: Callable[[AnErrand], None]) -> bool:
    """Do all that are due; False when there was no time for more."""
    end = time.monotonic() + SHIFT
    while row := persist(partial(take, kind, timezone.now())):
        do(row)
        if time.monotonic() > end:
            return False
    return True


def take(kind: type[AnErrand], now: datetime) -> AnErrand | None:
    """The one that has been due for longest, for the caller alone."""
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        row = kind.objects.due(now).select_for_update(skip_locked=skip).order_by("due_at", "pk").first()
        if row:
            attempts = row.attempts + 1
            move_errand(row, DeliveryState.QUEUED, DeliveryState.RUNNING, started_at=now, attempts=attempts)
    return row


def end(taken: Errand, now: datetime, error: str = "", *, for_good: bool = False, **seen: Any) -> bool:
    """Write down what came of the attempt; False when somebody else has. `for_good`: trying again would not help."""
    with transaction.atomic():
        row = type(taken).objects.select_for_update().get(pk=taken.pk)
        if (row.state, row.started_at) != (DeliveryState.RUNNING, taken.started_at):
            return False
        fields = {"error": storable(error), "finished_at": now, **seen}
        if not error:
            state = DeliveryState.DONE
        elif for_good or row.attempts > len(PAUSES):
            state = DeliveryState.FAILED
        else:
            state = DeliveryState.QUEUED
            fields |= {"due_at": now + PAUSES[row.attempts - 1], "finished_at": None}
        move_errand(row, DeliveryState.RUNNING, state, **fields)
    for name, value in {"state": state, **fields}.items():
        setattr(taken, name, value)
    return True


def drop(row: Errand, now: datetime, error: str) -> None:
    """Nobody will try it any more."""
    try:
        move_errand(row, DeliveryState.QUEUED, DeliveryState.RUNNING, started_at=now)
        move_errand(row, DeliveryState.RUNNING, DeliveryState.FAILED, finished_at=now, error=error)
    except Lost:
        pass  # a worker is at it: it finds out itself


def repeat_dead(kind: type[Errand], now: datetime) -> list[str]:
    """Those whose worker was killed in the middle."""
    dead = kind.objects.running_since(now - DEAD)
    return [f"{row}: its worker died" for row in dead if end(row, now, "The worker stopped in the middle of it.")]
