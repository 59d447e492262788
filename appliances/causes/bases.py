"""Bases as they are outside: which ones the published revisions were built from, and whether they have changed."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import django_rq
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from pydantic import ValidationError
from redis.exceptions import RedisError

from appliances import audit
from appliances.models import Base, BuiltFrom, Revision
from appliances.models.base import RELEASE
from builds import ancestry, plans
from builds.engine.bases import BASES
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import SlipwayError, TemplateError, WorkerError
from builds.engine.plan import Plan
from builds.engine.platforms.base import NativePlatform
from builds.runner import explain
from builds.text import storable
from builds.uploads import PLATFORM

logger = logging.getLogger(__name__)

CLAIM = timedelta(minutes=15)
"""How long whoever has called for a look keeps others from it. If nobody looks, it is called for again after that."""
LIMIT = 120
"""Seconds that one look may take."""
TIMEOUT = 180
"""Seconds after which the queue ends it."""
SOONEST = timedelta(minutes=10)
"""Before the next look after one that failed; twice as long after every further one, up to the usual time."""


def link(now: datetime) -> None:
    """Write down what each published revision was built from, once."""
    for revision in Revision.objects.published().filter(built_from=None).exclude(platforms=[PLATFORM]):
        try:
            found = plans.bare_plans(revision.template)
        except TemplateError as error:  # it was valid when the revision was made
            logger.warning("%s: what it was built from cannot be told: %s", revision, error)
            continue
        builds = {build.platform: build for build in revision.builds.newest_per_platform().succeeded()}
        rows = []
        for platform, plan in found.items():
            if platform == PLATFORM:
                continue  # nobody here knows what boxes made elsewhere were made from
            facts = builds[platform].facts if platform in builds else {}
            at = builds[platform].started_at if platform in builds else None
            inputs = facts.get("base inputs", "")
            fields = {"inputs": inputs, "built_at": at or revision.created_at}
            rows.append(BuiltFrom(revision=revision, platform=platform, base=base_of(plan, now), **fields))
        BuiltFrom.objects.bulk_create(rows, ignore_conflicts=True)  # another reconcile may be at it


def base_of(plan: Plan, now: datetime) -> Base:
    """The row of what the plan starts from."""
    if isinstance(plan.platform, NativePlatform):
        what = {"kind": plan.platform.name, "title": plan.base.title[:300], "options": {}}
    else:
        options = plan.base.options.model_dump(mode="json")
        what = {"kind": plan.base.name, "title": plan.base.title[:300], "options": options}
    digest = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
    row, _ = Base.objects.get_or_create(digest=digest, defaults={**what, "check_at": now})
    return row


def follow_releases(now: datetime) -> list[str]:
    """Parents are on our own catalog: their rows follow it at once."""
    told = []
    for base in Base.objects.in_use().filter(kind=RELEASE):
        disk = ancestry.released(base.title)
        if disk and disk.sha256 != base.inputs:
            told += see(base, disk.sha256, now)
        elif not disk and not base.error:
            what, hint = f"{base.title} is not on the catalog any more.", "Publish it again, or name another release."
            Base.objects.filter(pk=base.pk, error="").update(error=what, hint=hint)
            told.append(what)
        elif disk and base.error:
            Base.objects.filter(pk=base.pk).update(error="", hint="")
    return told


def call(now: datetime) -> None:
    """Have somebody look at the bases that are due: one that waits for a mirror keeps nobody else waiting."""
    for base in Base.objects.in_use().filter(check_at__lte=now).exclude(kind=RELEASE):
        if not base.is_watched:
            continue
        mine = Base.objects.filter(pk=base.pk, check_at=base.check_at).update(check_at=now + CLAIM)
        if not mine:
            continue  # another reconcile was first
        try:
            django_rq.get_queue("default", commit_mode="auto").enqueue(
                "appliances.causes.jobs.look_at_base", base.pk, job_timeout=TIMEOUT, result_ttl=0
            )
        except RedisError as error:
            logger.warning("Redis does not answer (%s): %s is looked at later.", error, base)


def look(base: Base, now: datetime | None = None) -> None:
    """Ask the outside what the base would be made of now. Safe to repeat; what goes wrong is written in the row."""
    now = now or timezone.now()
    try:
        kind = BASES[base.kind]
        made = kind(kind.Options(**base.options))
        with TemporaryDirectory(prefix="base-") as folder:
            context = Context(
                build=f"base-{base.pk}",
                work=Path(folder),
                cache=settings.DATA_DIR / "cache",
                source=Path(folder),
                console=Recorder(),
                reach=settings.REACH,
            )
            inputs = made.current(context.within(LIMIT, f"Looking at {base.title}"))
    except (KeyError, ValidationError):
        _fail(base, WorkerError("This version of Slipway knows no such base.", hint="Change the template."), now)
    except SlipwayError as error:
        _fail(base, error, now)
    except Exception as error:
        logger.exception("%s could not be looked at", base)
        message, hint = explain(error)
        _fail(base, WorkerError(message, hint=hint), now)
    else:
        see(base, storable(inputs)[:300], now)


def see(base: Base, inputs: str, now: datetime) -> list[str]:
    """It is known now what the base would be made of. Returns a sentence when that is news."""
    every = timedelta(hours=settings.BASE_CHECK_HOURS)
    with transaction.atomic():
        row = Base.objects.select_for_update().get(pk=base.pk)
        row.checked_at, row.check_at, row.failures, row.error, row.hint = now, now + every, 0, "", ""
        changed = inputs != row.inputs and row.inputs != ""
        if inputs != row.inputs:
            row.inputs, row.seen_at = inputs, now
        if changed:
            row.changed_at = now
            _tell(row)
        row.save()
    return [f"{base.title} changed"] if changed else []


def _tell(base: Base) -> None:
    """Its dependents' people read about it."""
    name, what = ("base-replaced", "is another file now") if base.is_pinned else ("base-changed", "changed")
    told = {row.revision.release_id: row.revision.release for row in BuiltFrom.objects.published().filter(base=base)}
    with audit.via("base"):
        for release in told.values():
            audit.record(release, name, f"{base.title[:200]} {what}", by=None)


def _fail(base: Base, error: SlipwayError, now: datetime) -> None:
    with transaction.atomic():
        row = Base.objects.select_for_update().get(pk=base.pk)
        row.failures = min(row.failures + 1, 30)
        pause = SOONEST * 2 ** (row.failures - 1)
        row.check_at = now + min(pause, timedelta(hours=settings.BASE_CHECK_HOURS))
        row.error, row.hint = storable(error.message), storable(error.hint)
        row.save()
