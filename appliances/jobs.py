"""What RQ calls for errands. It passes numbers, so that a job is never older than the rows it is about."""

from __future__ import annotations

import signal

from builds.interrupt import stop_on
from builds.jobs import die_with_worker

from . import following, statuses


def look(repository_id: int) -> None:
    die_with_worker()
    with stop_on(signal.SIGTERM) as stop:  # a look that is under way comes to its end
        following.look(repository_id, stop)


def tell_status(status_id: int) -> None:
    die_with_worker()
    with stop_on(signal.SIGTERM):
        statuses.tell(status_id)
