"""Who waits for what: the rows are the truth; the queue is only asked which workers it has seen."""

from __future__ import annotations

from typing import Any

import django_rq
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError
from rq import Worker

from appliances.models import Appliance
from builds.models import Build


@require_safe
@login_required
def queue(request: HttpRequest) -> HttpResponse:
    builds = Build.objects.select_related("revision__release__appliance__team").order_by("pk")
    visible = set(Appliance.objects.of(request.user).values_list("pk", flat=True))
    running, waiting = list(builds.owned()), list(builds.queued())
    for build in [*running, *waiting]:
        # Others' builds take a place in the queue, too, but what they are is not for everybody.
        build.mine = build.revision.release.appliance_id in visible
    workers, problem = seen_workers()
    platforms = [
        {
            "name": name,
            "running": [build for build in running if build.platform == name],
            "waiting": [build for build in waiting if build.platform == name],
            "workers": [worker for worker in workers if name in worker["queues"]],
        }
        for name in settings.PLATFORMS
    ]
    context = {"area": "queue", "platforms": platforms, "workers": workers, "problem": problem}
    return render(request, "builds/queue.html", context)


def seen_workers() -> tuple[list[dict[str, Any]], str]:
    """The workers that the queue knows, and what is wrong when it cannot be asked."""
    try:
        workers = Worker.all(connection=django_rq.get_connection(settings.PLATFORMS[0]))
        return [describe(worker) for worker in workers], ""
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
        "seen": seen,
    }
