"""Errands: what takes seconds and is no build. RQ's queue "default" has workers of its own for them.

As with builds the rows are the truth: an errand that the queue forgets is asked for again by `reconcile`.
"""

from __future__ import annotations

import logging

import django_rq
from redis.exceptions import RedisError
from rq.exceptions import DuplicateJobError
from rq.job import JobStatus

logger = logging.getLogger(__name__)

QUEUE = "default"  # `manage.py worker --errands` listens to it
ALIVE = (JobStatus.QUEUED, JobStatus.STARTED)


def enqueue(what: str, number: int, job: str, *, timeout: int, forget: bool = False) -> None:
    """Let a worker call `appliances.jobs.<what>(number)`. The same job twice is once; call it after the commit.

    With `forget` a job of that name that has ended, or was killed, is no reason not to.
    """
    queue = django_rq.get_queue(QUEUE, commit_mode="auto")
    try:
        if forget and (former := queue.fetch_job(job)) and former.get_status() not in ALIVE:
            former.delete()
        options = {"job_id": job, "unique": True, "job_timeout": timeout, "result_ttl": 0}
        queue.enqueue(f"appliances.jobs.{what}", number, **options)
    except DuplicateJobError:
        pass
    except RedisError as error:
        logger.warning("Redis does not answer (%s): %s is done when it is back.", error, job)
