"""How many builds are at work at once in an account and in its regions. The rows of the builds are what is counted.

A worker that finds a limit reached leaves the build in the queue, held back; the end of another calls it again.
(A host's own limit is the number of its workers: see `slots.py`.)
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F, QuerySet

from . import plans
from .engine import placing
from .engine.errors import TemplateError
from .models import Build, Limit
from .moves import move
from .states import BuildState


def of(build: Build) -> list[Limit]:
    """Those that the build counts for. An account that is not there limits nothing: the build will say so itself."""
    try:
        accounts = placing.accounts(plans.bare_plan(build))
    except TemplateError:
        return []
    rows = list(build.revision.release.appliance.team.accounts.all()) if accounts else []
    found = set()
    for kind, name, region in accounts:
        fitting = [row for row in rows if row.kind == kind and name in (row.name, "")]
        if len(fitting) == 1:
            [account] = fitting
            found |= {(account, ""), (account, region or account.shown.get("region", ""))}
    return [
        Limit.objects.get_or_create(account=account, region=region)[0]
        for account, region in sorted(found, key=lambda each: (each[0].pk, each[1]))
    ]


def take(build: Build, **fields: object) -> bool:
    """Make a queued build a running one, if all its limits allow that. Raises Lost when it is not queued any more."""
    with transaction.atomic():
        if reached(_locked(build.limits.all())):
            Build.objects.queued().filter(pk=build.pk).update(held_back=True, calls=F("calls") + 1)
            return False
        move(build, BuildState.QUEUED, BuildState.RUNNING, **fields)
    return True


def call_back() -> list[Build]:
    """The builds that were held back and may go now, the oldest first; not held back any more. In a transaction."""
    waiting = Build.objects.held_back().order_by("pk")
    room = {limit.pk: limit.number - limit.busy for limit in _locked(Limit.objects.filter(builds__in=waiting))}
    called = []
    for build in waiting.prefetch_related("limits"):
        needed = [limit.pk for limit in build.limits.all()]
        if all(room.get(key, 0) > 0 for key in needed) and waiting.filter(pk=build.pk).update(held_back=False):
            for key in needed:
                room[key] -= 1
            called.append(build)
    return called


def reached(limits: Iterable[Limit]) -> str:
    """The first limit that leaves no room, in words; empty when there is none. They know how `busy` they are."""
    for limit in limits:
        if limit.busy >= limit.number:
            return f"{limit}: {limit.busy} of {limit.number} at work"
    return ""


def _locked(limits: QuerySet[Limit]) -> list[Limit]:
    """The rows with how busy they are; no other worker takes or ends a hold of them before this transaction ends."""
    keys = list(Limit.objects.filter(pk__in=limits.values("pk")).select_for_update().values_list("pk", flat=True))
    return list(Limit.objects.filter(pk__in=keys).select_related("account").with_busy())
