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

from . import cloud_layers, deliveries, layers, plans, publishing, queue, reaper, runner
from .engine.errors import SlipwayError, TemplateError
from .models import Artifact, Build, Delivery
from .moves import move
from .states import BuildState

logger = logging.getLogger(__name__)

SETTLED = timedelta(seconds=30)  # a build that was queued less than this ago may be on its way to the queue
RESUMABLE = timedelta(days=7)  # how long what an unfinished attempt has made is kept for the next one
ORPHAN = timedelta(days=1)  # a stored file this old without a row belongs to a build that is gone


def run(patience: float = reaper.PATIENCE) -> list[str]:
    """One round; returns a sentence for each thing that was repaired. `patience`: see `reaper.run`."""
    now = timezone.now()
    return [
        *_end_dead(now),
        *_fail_fast(),
        *_call_back(),
        *_repeat_dead_deliveries(now),
        *_enqueue_forgotten(now),
        *_sweep_work(),
        *_sweep_unfinished(now),
        *_sweep_files(now),
        *layers.reconcile(now),
        *cloud_layers.reconcile(now),
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
        queue.ended(build)
        ended.append(f"{build.name}: {error}")
    return ended


def _fail_fast() -> list[str]:
    """Builds whose worker wrote down a failure, but could not end the others any more."""
    going_on = Build.objects.active().exclude(state=BuildState.CANCELLING)
    failed = Build.objects.newest_per_platform().filter(state=BuildState.FAILED)
    ended = []
    for build in failed.filter(revision__in=going_on.values("revision")):
        if plans.fails_fast(build):
            queue.ended(build)
            ended.append(f"{build.name}: ended the builds on the other platforms")
    return ended


def _call_back() -> list[str]:
    """Builds that were held back: the worker that made room for them was killed, or their limit was raised."""
    return [f"{build.name}: called back, its limits have room" for build in queue.wake()]


def _repeat_dead_deliveries(now: datetime) -> list[str]:
    """Deliveries whose worker was killed: the queue ends what takes longer."""
    limit = now - timedelta(seconds=queue.DELIVERY_TIMEOUT) - SETTLED
    dead = Delivery.objects.running_since(limit).select_related("artifact")
    return [f"{delivery}: its worker died" for delivery in dead if deliveries.give_up(delivery)]


def _enqueue_forgotten(now: datetime) -> list[str]:
    """What no worker would hear of: Redis was away or lost its memory, or it is time for another attempt."""
    builds = Build.objects.queued().filter(held_back=False, queued_at__lt=now - SETTLED).order_by("pk")
    due = Delivery.objects.due(now - SETTLED).select_related("artifact__build").order_by("pk")
    enqueued = []
    known: dict[str, set[str]] = {}
    try:
        for build in builds:
            if build.job not in _known(build.platform, known):
                queue.enqueue(build, forget=True)
                enqueued.append(f"{build.name}: the queue did not know it")
        for delivery in due:
            if delivery.job not in _known(delivery.artifact.build.platform, known):
                queue.enqueue_delivery(delivery, forget=True)
                enqueued.append(f"{delivery}: it is due")
    except RedisError as error:
        logger.warning("Redis does not answer (%s): queued builds wait.", error)
    return enqueued


def _known(platform: str, seen: dict[str, set[str]]) -> set[str]:
    """The ids of the jobs that the platform's queue holds or a worker is at; asked for once."""
    if platform not in seen:
        jobs = django_rq.get_queue(platform)
        started = jobs.started_job_registry.get_job_ids()
        seen[platform] = {*jobs.job_ids, *started, *jobs.intermediate_queue.get_job_ids()}
    return seen[platform]


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
            except TemplateError as error:
                logger.warning("%s: nothing but its folder could be swept: %s", build.name, error)
            except SlipwayError as error:  # the folder tells the next round what is still there
                logger.warning("%s could not be swept and is tried again: %s", build.name, error)
                continue
        shutil.rmtree(folder, ignore_errors=True)
        swept.append(f"{folder.name}: removed its work folder")
    return swept


def _sweep_unfinished(now: datetime) -> list[str]:
    """What unfinished attempts have left, and nobody will take over any more."""
    swept = []
    left = Artifact.objects.of_unsuccessful_builds().values("build")
    for build in Build.objects.filter(pk__in=left).select_related("revision"):
        with transaction.atomic():
            revision = type(build.revision).objects.select_for_update().get(pk=build.revision_id)  # against retry
            attempts = revision.builds.filter(platform=build.platform)
            if attempts.active().exists():
                continue  # it may be at it
            superseded = revision.state not in ("building", "failed") or attempts.succeeded().exists()
            if superseded or build.finished_at < now - RESUMABLE:
                publishing.remove(build.artifacts.all())
                swept.append(f"{build.name}: removed the images that nobody will finish")
    return swept


def _sweep_files(now: datetime) -> list[str]:
    """Files that were stored for a build that ended before their rows were written."""
    swept = []
    for key in list(default_storage.stale(publishing.PREFIX, now - ORPHAN)):
        if not Artifact.objects.filter(file=key).exists():
            default_storage.delete(key)
            swept.append(f"{key}: removed, no artifact has it")
    return swept
