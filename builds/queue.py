"""Asking for builds: rows first, the queue after commit. Rows are the truth; the queue wakes a worker."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from copy import copy
from functools import partial
from typing import TYPE_CHECKING, Any

import django_rq
from django.db import transaction
from django.db.models.base import ModelState
from django.utils import timezone
from redis.exceptions import RedisError
from rq.exceptions import DuplicateJobError

from . import limits, plans
from .engine.errors import SlipwayError
from .ledger import hand_over
from .models import Build, Delivery
from .moves import Lost, move
from .states import BuildState

if TYPE_CHECKING:
    from appliances.models import Revision, User

logger = logging.getLogger(__name__)

# Seconds after which RQ kills the process of a build. The plan's own limit ends it long before; without a
# value RQ takes 180 s.
TIMEOUT = 24 * 3600
# The same of a delivery; it ends itself before.
DELIVERY_TIMEOUT = 600


class Refused(SlipwayError):  # noqa: N818
    """The build is in a state in which this cannot be done."""


def queue_builds(revision: Revision, platforms: Iterable[str], *, by: User | None, layers: bool = True) -> list[Build]:
    """A queued build for each of the platforms; with `layers` they may go on from former builds' states.

    Raises IntegrityError when one of them has an active build.
    """
    with transaction.atomic():
        builds = [
            Build.objects.create(revision=revision, platform=platform, requested_by=by, layers=layers)
            for platform in platforms
        ]
        for build in builds:
            build.limits.set(limits.of(build))
            transaction.on_commit(partial(enqueue, build))
    return builds


def carry_over(former: Revision, revision: Revision, *, except_for: str) -> set[str]:
    """Give `revision` the finished builds of `former`, except one platform's; returns those platforms' names.

    The rows are copied, the files and what is outside are shared: a stored file never changes.
    """
    builds = former.builds.newest_per_platform().succeeded().exclude(platform=except_for)
    for build in builds:
        artifacts = list(build.artifacts.all())
        results = list(build.check_results.all())
        build.facts = {**build.facts, "carried over from": f"build {build.pk}"}
        copied = _copy(build, revision=revision)
        for artifact in artifacts:
            hand_over(artifact, _copy(artifact, build=copied))
        for result in results:
            _copy(result, build=copied)
    return {build.platform for build in builds}


def cancel(build: Build, *, by: User | None, reason: str = "") -> None:
    """Stop a build: at once when it waits, else its worker cleans up first. Does nothing when it has ended."""
    asked_for = not reason  # otherwise it follows from what is recorded itself
    reason = reason or (f"Cancelled by {by}." if by else "Cancelled.")
    with transaction.atomic():
        try:
            move(build, BuildState.QUEUED, BuildState.CANCELLED, finished_at=timezone.now(), error=reason)
        except Lost:
            try:
                move(build, BuildState.RUNNING, BuildState.CANCELLING, error=reason)
            except Lost:
                build.refresh_from_db()
                return
        if asked_for:
            build.revision.record("build-cancelled", f"cancelled {build.name} on {build.platform}", by=by)
        if build.is_final:
            build.revision.settle()


def retry(build: Build, *, by: User | None) -> Build:
    """Try a failed or cancelled build again. Twice is once: returns the build that is active by then."""
    with transaction.atomic():
        revision = type(build.revision).objects.select_for_update().get(pk=build.revision_id)
        newest = revision.builds.filter(platform=build.platform).latest("pk")
        if newest.is_active:
            return newest
        if newest.has_succeeded:
            raise Refused(f"{newest} succeeded.", hint="To make its images anew, rebuild the release.")
        try:
            revision.resume()
        except Lost:
            raise Refused(
                f"{revision} is {revision.state}: its builds are not needed any more.",
                hint="Save the release again, or rebuild it.",
            ) from None
        revision.record("build-retried", f"tried {build.name} on {build.platform} again", by=by)
        return queue_builds(revision, [build.platform], by=by, layers=newest.layers)[0]


def ended(build: Build) -> None:
    """Draw the conclusions when a build has ended. Twice is once."""
    if build.state == BuildState.FAILED and plans.fails_fast(build):
        reason = f"The build on {build.platform} failed, and the template says fail_fast."
        for other in build.revision.builds.active():
            cancel(other, by=None, reason=reason)
    build.revision.settle()
    wake()


def wake() -> list[Build]:
    """Call builds that were held back and may go now; returns them."""
    with transaction.atomic():
        called = limits.call_back()
        for build in called:
            transaction.on_commit(partial(enqueue, build, first=True))
    return called


def enqueue(build: Build, *, forget: bool = False, first: bool = False) -> None:
    """Tell the queue about a queued build. Twice is once; with Redis away the row waits for `reconcile`.

    With `forget` a job of that build that the queue still remembers is dropped first: its worker was killed.
    """
    _tell(build.platform, "run_build", build, TIMEOUT, forget=forget, at_front=first)


def enqueue_delivery(delivery: Delivery, *, forget: bool = False) -> None:
    """The same for a delivery. It takes seconds, so it goes before the builds."""
    _tell(delivery.artifact.build.platform, "run_delivery", delivery, DELIVERY_TIMEOUT, forget=forget, at_front=True)


def _tell(platform: str, what: str, row: Build | Delivery, timeout: int, *, forget: bool, at_front: bool) -> None:
    queue = django_rq.get_queue(platform, commit_mode="auto")
    try:
        if forget and (job := queue.fetch_job(row.job)):
            job.delete()
        options = {"job_id": row.job, "unique": True, "job_timeout": timeout, "at_front": at_front}
        queue.enqueue(f"builds.jobs.{what}", row.pk, **options)
    except DuplicateJobError:
        pass
    except RedisError as error:
        logger.warning("Redis does not answer (%s): %s is enqueued when it is back.", error, row.job)


def _copy(row: Any, **changes: Any) -> Any:
    """Save a copy of the row with some changes."""
    copied = copy(row)
    copied.pk = None
    copied._state = ModelState()
    for name, value in changes.items():
        setattr(copied, name, value)
    copied.save()
    return copied
