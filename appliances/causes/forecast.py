"""What a rebuild would do, asked before it is done: why, how long, and what is missing. Nothing is changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, Sum, prefetch_related_objects

from appliances.dashboard.queue import seen_workers
from appliances.models import BuiltFrom, Rebuild, Revision
from appliances.models.base import Base
from builds import estimates, limits, plans
from builds.abilities import works_here
from builds.engine import placing, template
from builds.engine.errors import TemplateError
from builds.engine.plan import Plan
from builds.engine.template.needs import Need
from builds.models import Artifact, Build, Limit

from . import hits, rebuilds
from .due import circle, held

ROOM = 2
"""How often an image's bytes are on the disk while it is made: where it is built, and where it is stored."""


@dataclass(frozen=True)
class Forecast:
    """Of one published revision on one platform. Seconds from now; None when nobody can know."""

    revision: Revision
    platform: str
    base: Base | None
    reason: str
    """Why it would be rebuilt; empty when nothing has changed."""
    seconds: float | None
    """What such a build usually takes; less where it is known what a layer saves it."""
    layer: str
    """From which it would go on, in words; empty: its platform has none."""
    start: float | None
    """When it would begin: after what waits already, and when the limit per hour allows."""
    missing: tuple[str, ...]
    """What would make it fail."""
    notes: tuple[str, ...]
    """What would keep it waiting, or may go wrong: a worker may still have a base that cannot be had any more."""


def forecast(revisions: Sequence[Revision], now: datetime) -> list[Forecast]:
    """For each of the revisions and each of its platforms, in the order in which they would be built."""
    builds = _builds(revisions)
    workers, problem = seen_workers()
    hosts = None if problem else {worker["host"] for worker in workers}
    said = {build.pk: hits.expect(build, hosts, now) for build in builds}
    usual = estimates.usual_seconds(builds)
    starts = _starts(builds, [worker["queues"] for worker in workers], now)
    line = Rebuild.objects.waiting().count()
    turns = {each.pk: rebuilds.waiting_time(line + place, now) for place, each in enumerate(revisions)}
    found = []
    for group in revisions:
        text = _Reading(group, workers, problem)
        for build in builds:
            if build.revision_id != group.pk:
                continue
            row = text.origins.get(build.platform)
            found.append(
                Forecast(
                    revision=group,
                    platform=build.platform,
                    base=row.base if row else None,
                    reason=_reason(row),
                    seconds=usual[build.pk],
                    layer=said[build.pk],
                    start=_later(starts[build.pk], turns[group.pk]),
                    missing=tuple(text.missing(build.platform)),
                    notes=tuple(text.notes(build.platform)),
                )
            )
    return found


def _builds(revisions: Iterable[Revision]) -> list[Build]:
    """Those that there would be: never saved, with keys that no row has."""
    wanted = [(revision, platform) for revision in revisions for platform in revision.platforms]
    builds = [
        Build(pk=-number, revision=revision, platform=platform) for number, (revision, platform) in enumerate(wanted, 1)
    ]
    prefetch_related_objects(builds, "limits")
    return builds


def _starts(builds: Sequence[Build], workers: list[list[str]], now: datetime) -> dict[int, float | None]:
    """Behind everything that runs and waits now."""
    rows = Build.objects.select_related("revision__release").prefetch_related("limits")
    running, waiting = list(rows.owned().order_by("pk")), list(rows.queued().order_by("pk"))
    found = estimates.estimate(running, [*waiting, *builds], workers, now)
    return {build.pk: found[build.pk].start for build in builds}


def _later(start: float | None, turn: timedelta | None) -> float | None:
    return None if start is None or turn is None else max(start, turn.total_seconds())


def _reason(row: BuiltFrom | None) -> str:
    return f"{row.base.title} changed" if row and row.is_outdated else ""


class _Reading:
    """A revision's template and surroundings, looked at once for all its platforms."""

    def __init__(self, revision: Revision, workers: list[dict[str, list[str]]], problem: str) -> None:
        self._revision = revision
        self._team = revision.release.appliance.team
        self._workers, self._problem = workers, problem
        self.origins = {row.platform: row for row in revision.built_from.select_related("base")}
        self._plans: dict[str, Plan] = {}
        self._general: list[str] = []
        try:
            self._plans = plans.bare_plans(revision.template)
            secrets = template.parse(revision.template).secrets
        except TemplateError as error:
            self._general = [str(problem) for problem in error.problems]
            secrets = frozenset()
        has = set(self._team.secrets.filter(name__in=secrets).values_list("name", flat=True))
        self._general += [f"the secret {name} has no value" for name in sorted(secrets - has)]

    def missing(self, platform: str) -> Iterable[str]:
        yield from self._general
        accounts = self._team.account_kinds()
        for kind, name, _ in sorted(self._accounts(platform)):
            if said := Need((), kind, name).lacking(accounts):
                yield said
        if said := self._room(platform):
            yield said

    def notes(self, platform: str) -> Iterable[str]:
        row = self.origins.get(platform)
        if row and row.base.error:
            yield row.base.error
        if row and row.base.is_replaced:
            yield f"{row.base.title} is another file now than the one that the template names"
        if path := circle(self._revision.release):
            yield f"it is built from itself: {path}"
        if why := held(self._revision.release):
            yield why
        if self._problem:
            yield "the queue does not answer"
        elif not any(platform in worker["queues"] for worker in self._workers):
            yield f"no worker for {platform} is running"
        if full := limits.reached(self._limits(platform)):
            yield f"waits for {full}"

    def _accounts(self, platform: str) -> set[tuple[str, str, str]]:
        return placing.accounts(self._plans[platform]) if platform in self._plans else set()

    def _limits(self, platform: str) -> Iterable[Limit]:
        """Those that are known already."""
        which = Q(pk=None)
        for kind, name, region in self._accounts(platform):
            fits = Q(account__kind=kind, region__in=("", region))
            which |= fits & Q(account__name=name) if name else fits
        return Limit.objects.filter(which, account__team=self._team).select_related("account").with_busy()

    def _room(self, platform: str) -> str:
        """Is there space for what it made last time? Asked only where its files come to be on this machine."""
        if not works_here(platform):
            return ""
        files = Artifact.objects.of_succeeded_builds().filter(build__revision=self._revision, build__platform=platform)
        needed = ROOM * (files.exclude(file="").aggregate(all=Sum("size"))["all"] or 0)
        free = shutil.disk_usage(settings.DATA_DIR).free
        if needed <= free:
            return ""
        return f"about {needed >> 20} MiB of disk: {free >> 20} MiB are free in {settings.DATA_DIR} on this machine"
