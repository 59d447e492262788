"""Repairs what killed processes left. Runs every minute, on as many machines as one likes: each repair is a move."""

from __future__ import annotations

import logging
import shutil
from datetime import datetime, timedelta

import django_rq
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone
from redis.exceptions import RedisError

from . import plans, publishing, queue, reaper, runner
from .engine.errors import SlipwayError
from .models import Artifact, Build
from .moves import move
from .states import BuildState

logger = logging.getLogger(__name__)

SETTLED = timedelta(seconds=30)  # a build that was queued less than this ago may be on its way to the queue
ORPHAN = timedelta(days=1)  # a stored file this old without a row belongs to a build that is gone


def run(patience: float = reaper.PATIENCE) -> list[str]:
    """One round; returns a sentence for each thing that was repaired. `patience`: see `reaper.run`."""
    now = timezone.now()
    return [
        *_end_dead(now),
        *_enqueue_forgotten(now),
        *_sweep_work(),
        *_sweep_files(now),
        *reaper.run(patience),
    ]


def _end_dead(now: datetime) -> list[str]:
    """Builds whose worker has stopped answering."""
    limit = now - timedelta(seconds=settings.HEARTBEAT_TIMEOUT)
    ended = []
    for key in list(Build.objects.silent_since(limit).values_list("pk", flat=True)):
        with transaction.atomic():
            build = Build.objects.select_for_update().silent_since(limit).filter(pk=key).first()
            if build is None:
                continue  # its worker has woken up, or another reconcile was first
            error = f"The worker {build.worker} stopped answering {(now - build.heartbeat_at).seconds} s ago."
            hint = "It may have been killed, or have run out of memory. Retry the build."
            if build.state == BuildState.CANCELLING:
                move(build, BuildState.CANCELLING, BuildState.CANCELLED, finished_at=now)
            else:
                move(build, BuildState.RUNNING, BuildState.FAILED, finished_at=now, error=error, hint=hint)
            build.steps.end(now)
            build.revision.settle()
        ended.append(f"{build.name}: {error}")
    return ended


def _enqueue_forgotten(now: datetime) -> list[str]:
    """Queued builds that no worker would hear of: Redis was away, or lost its memory."""
    waiting = Build.objects.queued().filter(queued_at__lt=now - SETTLED)
    enqueued = []
    try:
        for platform in waiting.values_list("platform", flat=True).distinct().order_by():
            jobs = django_rq.get_queue(platform)
            known = {
                *jobs.job_ids,
                *jobs.started_job_registry.get_job_ids(),
                *jobs.intermediate_queue.get_job_ids(),
            }
            for build in waiting.filter(platform=platform).order_by("pk"):
                if build.name not in known:
                    queue.enqueue(build, forget=True)
                    enqueued.append(f"{build.name}: the queue did not know it")
    except RedisError as error:
        logger.warning("Redis does not answer (%s): queued builds wait.", error)
    return enqueued


def _sweep_work() -> list[str]:
    """Folders and guests of builds on this machine that have ended without cleaning up."""
    swept = []
    for folder in sorted(runner.work_folder("").glob("build-*")):
        number = folder.name.removeprefix("build-")
        if not number.isdecimal():
            continue
        build = Build.objects.filter(pk=number).first()
        if build and build.is_active:
            continue
        if build:
            try:
                plans.platform_of(build).sweep(build.name, folder)
            except SlipwayError as error:
                logger.warning("%s: nothing but its folder could be swept: %s", build.name, error)
        shutil.rmtree(folder, ignore_errors=True)
        swept.append(f"{folder.name}: removed its work folder")
    return swept


def _sweep_files(now: datetime) -> list[str]:
    """Files that were stored for a build that ended before their rows were written."""
    swept = []
    for key in list(default_storage.stale(publishing.PREFIX, now - ORPHAN)):
        if not Artifact.objects.filter(file=key).exists():
            default_storage.delete(key)
            swept.append(f"{key}: removed, no artifact has it")
    return swept
