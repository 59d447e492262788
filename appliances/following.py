"""Appliances follow their repositories: a look finds what is new there, and makes releases and revisions of it.

Whoever calls (a webhook, the clock, a person) only asks for a look. WHAT is new, the repository itself is asked, so
that nobody can talk us into anything. One worker at a time looks at a repository. However often it is asked meanwhile,
it looks just once more: of a hundred pushes the newest is built.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import traceback
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from builds.engine import source
from builds.engine.context import Stop
from builds.engine.errors import SlipwayError, SourceError, WorkerError
from builds.engine.source.snapshots import PREFIX
from builds.patience import persist
from builds.runner import explain, work_folder
from builds.text import storable

from . import audit, errands
from .arrivals import Arrivals
from .models import Look, Push, Repository
from .turns import Turn

logger = logging.getLogger(__name__)

TIMEOUT = 540  # seconds for one errand: git's own limits end it before
SURELY_OVER = timedelta(seconds=TIMEOUT + 30)
FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(hours=6)
LOOKS_KEPT = 20
PUSHES_KEPT = timedelta(days=30)
ABOUT = ("url", "forge", "branch", "tag_pattern", "template_path", "watched", "edge_version")
"""What a look depends on and people set: what it found holds only for that."""


def ask(repository_id: int, *, by_hand: bool = False) -> None:
    """There may be something new. After failures it waits until the next look is due, unless a person asks."""
    with transaction.atomic():
        repository = Repository.objects.select_for_update().get(pk=repository_id)
        waited = repository.waits
        repository.asked += 1
        repository.save(update_fields=["asked"])
        if by_hand or not (waited or repository.rests):
            transaction.on_commit(partial(_enqueue, repository, forget=by_hand))


def look(repository_id: int, stop: Stop | None = None) -> None:
    """Answer what was asked, and what is asked meanwhile. Returns at once when nothing was, or another worker looks."""
    turn = Turn(repository_id)
    while persist(turn.begin):
        with turn:
            failed = _look(repository_id)
        if persist(partial(turn.end, anyway=failed or bool(stop and stop.cancelled))):
            return


def reconcile() -> list[str]:
    """Looks that are due: by the clock, after a failure, or because the queue or a worker forgot them."""
    now = timezone.now()
    died = Q(looking_until__lt=now)
    due = Q(looking_until=None, due_at__lte=now)
    forgotten = Q(looking_until=None, asked__gt=F("taken")) & (Q(failures=0) | Q(due_at__lte=now))
    for repository in Repository.objects.filter(died | due | forgotten).order_by("pk"):
        if not repository.waits:
            Repository.objects.filter(pk=repository.pk, asked=repository.asked).update(asked=F("asked") + 1)
        _enqueue(repository, forget=True)
    Push.objects.filter(at__lt=now - PUSHES_KEPT).delete()
    return _sweep(now - SURELY_OVER)


def _sweep(before: datetime) -> list[str]:
    """What looks on this machine have left that were killed."""
    swept = []
    for path in work_folder("").glob(f"{PREFIX}*"):
        with contextlib.suppress(FileNotFoundError):  # its look has just ended
            if path.stat().st_mtime < before.timestamp():
                shutil.rmtree(path, ignore_errors=True)
                swept.append(f"{path.name}: removed, its look was killed")
    return swept


def _look(repository_id: int) -> bool:
    """One look, and writing down what came of it. True when it failed."""
    repository = Repository.objects.select_related("appliance__team").get(pk=repository_id)
    looked = Look(repository=repository)
    seen: dict[str, object] = {}
    try:
        with audit.via("push"):
            arrivals = Arrivals(repository, _access(repository))
            looked.found = "\n".join(arrivals.take_in())
        looked.commit = arrivals.head
        seen = {"seen_commit": arrivals.head, "seen_tags": arrivals.tags}
    except SlipwayError as error:
        looked.error, looked.hint = error.message, error.hint
    except Exception as error:
        logger.error("%s: an error of Slipway itself\n%s", repository, traceback.format_exc())
        looked.error, looked.hint = explain(error)
    persist(partial(_write_down, repository, looked, seen))
    return bool(looked.error)


def _write_down(repository: Repository, looked: Look, seen: dict[str, object]) -> None:
    now = timezone.now()
    failures = repository.failures + 1 if looked.error else 0
    rest = min(FIRST_REST * 2 ** min(failures - 1, 20), LONGEST_REST) if failures else None
    poll = timedelta(minutes=repository.poll_minutes) if repository.poll_minutes else None
    pause = max(rest, poll or rest) if rest else poll
    for name in ("found", "error", "hint"):
        setattr(looked, name, storable(getattr(looked, name)))
    with transaction.atomic():
        unchanged = {name: getattr(repository, name) for name in ABOUT}
        same = Repository.objects.filter(pk=repository.pk, **unchanged)
        if not same.update(failures=failures, due_at=now + pause if pause else None, **seen):
            return  # somebody changed what to follow, and has asked for another look
        looked.save()
        kept = repository.looks.values("pk")[:LOOKS_KEPT]
        repository.looks.exclude(pk__in=[row["pk"] for row in kept]).delete()


def _access(repository: Repository) -> source.Access:
    """With what it is read; the key of an ssh server is remembered at first contact."""
    if repository.over_ssh and not repository.host_key:
        repository.host_key = source.host_key(repository.url, settings.REACH)
        first = Repository.objects.filter(pk=repository.pk, url=repository.url, host_key="")
        if not first.update(host_key=repository.host_key):
            raise SourceError("The repository's settings were changed during the look.", hint="Look again.")
        audit.record(repository.appliance, "host-key-pinned", f"pinned {repository.host_fingerprint}", by=None)
    try:
        return repository.access()
    except WorkerError as error:
        raise WorkerError(
            error.message, hint=f"{error.hint} Or make a new deploy key and enter the token again."
        ) from None


def _enqueue(repository: Repository, *, forget: bool = False) -> None:
    job = f"look-{repository.pk}-{repository.taken}"
    errands.enqueue("look", repository.pk, job, timeout=TIMEOUT, forget=forget)
