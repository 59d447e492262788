"""Who waits for what: the rows are the truth; the queue is only asked which workers it has seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import django_rq
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError
from rq import Worker

from appliances.models import Appliance
from builds import limits
from builds.estimates import Estimate, estimate
from builds.models import Build, Limit

SHORTEST_SCALE = 60.0  # seconds that the lanes show at least


@dataclass(frozen=True)
class Entry:
    """A build in the queue: where it stands, what it waits for, and when its turn comes."""

    build: Build
    place: int
    """Among those that wait for its platform, from 1; 0 when it runs."""
    reason: str
    """Why it does not run; empty when it does."""
    estimate: Estimate
    elapsed: float


@dataclass
class Outlook:
    """Everything that runs and waits, as it is now."""

    entries: list[Entry] = field(default_factory=list)
    workers: list[dict[str, Any]] = field(default_factory=list)
    problem: str = ""

    @classmethod
    def now(cls) -> Outlook:
        moment = timezone.now()
        counted = Prefetch("limits", Limit.objects.select_related("account").with_busy())
        builds = Build.objects.select_related("revision__release__appliance__team").prefetch_related(counted)
        running, waiting = list(builds.owned().order_by("pk")), list(builds.queued().order_by("pk"))
        workers, problem = seen_workers() if waiting or running else ([], "")
        estimates = estimate(running, waiting, [worker["queues"] for worker in workers], moment)
        found = cls([], workers, problem)
        places: dict[str, int] = {}
        for build in [*running, *waiting]:
            place, reason = 0, ""
            if build in waiting:
                place = places[build.platform] = places.get(build.platform, 0) + 1
                reason = found.reason(build)
            found.entries.append(Entry(build, place, reason, estimates[build.pk], elapsed(build, moment)))
        return found

    def reason(self, build: Build) -> str:
        """What it waits for."""
        if full := limits.reached(build.limits.all()):
            return f"waits for {full}"
        if self.problem:
            return "waits for the queue, which does not answer"
        if not any(build.platform in worker["queues"] for worker in self.workers):
            return f"no worker for {build.platform} is running"
        return "waits for a worker"

    def of(self, build: Build) -> Entry | None:
        """None when it has ended, or has only just been queued."""
        return next((entry for entry in self.entries if entry.build == build), None)


@dataclass(frozen=True)
class Bar:
    """When an entry runs, in percent of the lanes' width."""

    entry: Entry
    mine: bool
    start: float
    width: float


@dataclass(frozen=True)
class Lane:
    platform: str
    bars: list[Bar]
    workers: int
    now: float
    """Where now is, in percent."""

    @property
    def running(self) -> int:
        return sum(not bar.entry.place for bar in self.bars)

    @property
    def waiting(self) -> int:
        return len(self.bars) - self.running


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    outlook = Outlook.now()
    workers, problem = (outlook.workers, outlook.problem) if outlook.entries else seen_workers()
    # Others' builds take a place in the queue, too, but what they are is not for everybody.
    visible = set(Appliance.objects.of(request.user).values_list("pk", flat=True))
    lanes = list(draw(outlook.entries, visible, workers))
    context = {"area": "queue", "lanes": lanes, "workers": workers, "problem": problem}
    return render(request, "builds/queue.html", context)


def draw(entries: list[Entry], visible: set[int], workers: list[dict[str, Any]]) -> Iterator[Lane]:
    """A lane for each platform, all on one scale, so that what runs side by side stands side by side."""
    future = max([SHORTEST_SCALE, *(entry.estimate.end or entry.estimate.start or 0 for entry in entries)])
    past = min(future, max((entry.elapsed for entry in entries), default=0.0))
    for platform in settings.PLATFORMS:
        bars = []
        for entry in entries:
            if entry.build.platform != platform:
                continue
            begin = entry.estimate.start if entry.place else -min(entry.elapsed, past)
            end = entry.estimate.end if entry.place else entry.estimate.end or 0.0
            start, width = 0.0, 0.0
            if begin is not None:
                start = 100 * (past + begin) / (past + future)
                width = 0.6 if end is None else max(0.6, 100 * (end - begin) / (past + future))
            bars.append(Bar(entry, entry.build.revision.release.appliance_id in visible, start, width))
        able = sum(platform in worker["queues"] for worker in workers)
        yield Lane(platform, bars, able, 100 * past / (past + future))


def elapsed(build: Build, moment: datetime) -> float:
    return (moment - build.started_at).total_seconds() if build.started_at else 0.0


def seen_workers() -> tuple[list[dict[str, Any]], str]:
    """The workers that the queue knows, and what is wrong when it cannot be asked."""
    try:
        workers = Worker.all(connection=django_rq.get_connection(settings.PLATFORMS[0]))
        return sorted((describe(worker) for worker in workers), key=lambda each: (each["host"], each["name"])), ""
    except (RedisError, OSError) as error:
        return [], f"The queue does not answer: {error}"


def describe(worker: Worker) -> dict[str, Any]:
    seen = worker.last_heartbeat
    if seen and seen.tzinfo is None:
        seen = timezone.make_aware(seen, timezone.get_default_timezone())
    return {
        "name": worker.name,
        "host": worker.hostname or "",
        "state": worker.get_state(),
        "queues": worker.queue_names(),
        "takes": ["errands" if name == "default" else name for name in worker.queue_names()],
        "seen": seen,
    }
