"""Removes what builds have made outside and nobody owns: what killed ones left, and what failed to go at their end.

The ledger tells of most of it. What a worker made in the moment in which it was killed is found by its tags and entered
into the ledger then, so that there is one list. One account's troubles hold nobody up: each has a thread of its own.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from .engine.console import Recorder, Redactor
from .engine.context import Context
from .engine.errors import SlipwayError
from .engine.ledger import Resource as Thing
from .ledger import described
from .models import Artifact, Build, Resource
from .outside import explain
from .text import storable

if TYPE_CHECKING:
    from appliances.models import Account

    from .engine.accounts.base import Account as EngineAccount

logger = logging.getLogger(__name__)

GRACE = timedelta(minutes=10)  # for what carries our tag, but no name of a build that we know
SEARCH_EVERY = timedelta(minutes=10)
LONGEST_PAUSE = timedelta(hours=1)  # between two tries to remove what could not be removed
REMOVAL = 240.0  # seconds that one removal may take
LEASE = timedelta(seconds=REMOVAL + 60)
PATIENCE = 600.0  # seconds that a round waits for all accounts

_under_way: dict[int, Thread] = {}  # by account: a thread that hangs is not joined by another each minute


def run(patience: float = PATIENCE) -> list[str]:
    """One round in every account that has something to do, all at once; a sentence for each thing that was removed.

    Accounts that need longer than `patience` seconds go on beside the caller; the ledger tells what came of it.
    """
    end = time.monotonic() + patience
    rounds = []
    for account in accounts():
        former = _under_way.get(account.pk)
        if not (former and former.is_alive()) and has_work(account, timezone.now()):
            rounds.append(Round(account))
            _under_way[account.pk] = rounds[-1]
            rounds[-1].start()
    for each in rounds:
        each.join(max(0.0, end - time.monotonic()))
    return [sentence for each in rounds for sentence in list(each.said)]


class Round(Thread):
    """One account's round; `said` fills with what was done."""

    def __init__(self, account: Account) -> None:
        super().__init__(name=f"reaper of {account}", daemon=True)
        self.said: list[str] = []
        self._account = account

    def run(self) -> None:
        try:
            self.said += reap(self._account)
        finally:
            connection.close()


def accounts() -> Any:
    return apps.get_model("appliances", "Account").objects.select_related("team").order_by("pk")


def has_work(account: Account, now: datetime) -> bool:
    return search_is_due(account, now) or due(account, now).exists()


def search_is_due(account: Account, now: datetime) -> bool:
    """From time to time, and whenever a build that used it has ended without images since the last search."""
    last = account.searched_at
    if last is None or last < now - SEARCH_EVERY:
        return True
    ended = Build.objects.unsuccessful().filter(finished_at__gt=last)
    return Resource.objects.filter(account=account, build__in=ended).exists()


def left_over(account: Account, now: datetime) -> Any:
    """What may be removed: not what is of an unknown build, and was found a moment ago."""
    rows = Resource.objects.left_over().filter(account=account)
    return rows.exclude(build=None, created_at__gt=now - GRACE).select_related("account", "build")


def due(account: Account, now: datetime) -> Any:
    """What is to be removed in this round: what could not be removed before has its own time."""
    rows = left_over(account, now)
    return rows.filter(error="") if waits(account, now) else rows


def waits(account: Account, now: datetime) -> bool:
    return account.retry_at is not None and account.retry_at > now


def reap(account: Account) -> Iterator[str]:
    """Search if it is due, then remove what is left over. Nothing when another reaper is at work in the account."""
    now = timezone.now()
    if not _claim(account, now):
        return
    try:
        outside = account.sign_in()
        if search_is_due(account, now):
            search(account, outside)
        rows = in_order(due(account, now), outside)
        failed = False
        for row in rows:
            _extend(account)
            if remove(row, outside):
                yield f"{row.build_name}: removed {row}, nobody owned it"
            else:
                failed = True
        if rows and (failed or not waits(account, now)):
            _pause(account, account.failures + 1 if failed else 0)
    except SlipwayError as error:  # its options cannot be read
        due(account, now).update(error=str(error))
        account.searched_at, account.search_error = now, str(error)
        account.save(update_fields=["searched_at", "search_error"])
        _pause(account, account.failures + 1)
    finally:
        accounts().filter(pk=account.pk).update(claimed_until=None)


def search(account: Account, outside: EngineAccount, *, keep: bool = True) -> list[Resource]:
    """Ask what exists there of this installation; returns rows for what the ledger does not know and nobody owns.

    With `keep` they are in the ledger from now on, and the account's row says when this was, and what went wrong.
    """
    now = timezone.now()
    ever = Resource.objects.filter(account=account).values_list("place", flat=True).distinct().order_by()
    found, errors = [], []
    for place in sorted({*ever, *outside.places}):
        try:
            found += outside.held([place], {"slipway:installation": settings.INSTALLATION})
        except Exception as error:  # the other places may answer
            errors.append(explain(error, Redactor(outside.secrets()), f"searching {account}, {place}"))
    rows = list(unrecorded(account, found))
    account.searched_at, account.search_error = now, storable("\n".join(errors))
    if keep:
        for row in rows:
            row.save()
        account.save(update_fields=["searched_at", "search_error"])
    return rows


def unrecorded(account: Account, held: Iterable[tuple[str, Thing]]) -> Iterator[Resource]:
    """Those of the things that exist and that no standing row tells of; not those of active builds."""
    held = list(held)
    standing = Resource.objects.standing()
    names = set(standing.values_list("place", "name"))  # two accounts may lead to the same place
    references = set(standing.filter(account=account).values_list("place", "reference"))
    published = set(Artifact.objects.exclude(reference="").values_list("region", "reference"))
    numbers = {number_of(name) for name, _ in held} - {None}
    builds = {build.name: build for build in Build.objects.filter(pk__in=numbers)}
    placed = set(Artifact.objects.filter(build__in=numbers).exclude(reference="").values_list("build", "region"))
    for name, thing in held:
        build = builds.get(name)
        if build and (build.is_active or (build.pk, thing.place) in placed):
            continue  # it is being written down at this moment; or it is a part of an image that is kept
        if (thing.place, thing.name) in names and thing.name:
            continue
        if (thing.place, thing.reference) in references | published:
            continue
        yield _row(account, build, thing)


def _row(account: Account, build: Build | None, thing: Thing) -> Resource:
    """A new row, or the one that says that it is gone: it is not."""
    same = Resource.objects.filter(account=account, place=thing.place, kind=thing.kind, reference=thing.reference)
    row = same.exclude(reference="").last() or Resource(
        account=account, place=thing.place, kind=thing.kind, name=thing.name, reference=thing.reference
    )
    row.build, row.gone_at = build, None
    return row


def number_of(name: str) -> int | None:
    """The number of the build that is called so; None: it is not ours, or of a version that called them otherwise."""
    number = name.removeprefix("build-")
    return int(number) if number != name and number.isdecimal() and len(number) < 19 else None


def in_order(rows: Iterable[Resource], outside: EngineAccount) -> list[Resource]:
    """An instance before its security group."""
    places = {kind: place for place, kind in enumerate(outside.order)}
    return sorted(rows, key=lambda row: (places.get(row.kind, len(places)), row.pk or 0))


def remove(row: Resource, outside: EngineAccount) -> bool:
    """Remove it and write down that it is gone, or else why it is not."""
    redact = Redactor(outside.secrets())
    context = Context(
        build=row.build_name,
        work=settings.DATA_DIR / "work",
        cache=settings.DATA_DIR / "cache",
        source=settings.DATA_DIR / "work",
        console=Recorder(),
    )
    standing = Resource.objects.standing().filter(pk=row.pk)
    try:
        outside.remove(described(row), context.within(REMOVAL, f"Removing {row}"))
    except Exception as error:
        row.error = storable(explain(error, redact, f"removing {row}"))
        standing.update(error=row.error)
        logger.warning("%s could not be removed: %s", row, row.error)
        return False
    row.gone_at = timezone.now()
    standing.update(gone_at=row.gone_at, error="")
    return True


def _claim(account: Account, now: datetime) -> bool:
    """Whoever sets the moment first works in the account; after it a killed reaper's account is free again."""
    free = accounts().filter(Q(claimed_until=None) | Q(claimed_until__lt=now), pk=account.pk)
    return bool(free.update(claimed_until=now + LEASE))


def _extend(account: Account) -> None:
    accounts().filter(pk=account.pk).update(claimed_until=timezone.now() + LEASE)


def _pause(account: Account, failures: int) -> None:
    """Before what could not be removed is tried again: twice as long after every round that left something behind."""
    failures = min(failures, 10)
    pause = min(timedelta(minutes=2**failures), LONGEST_PAUSE)
    accounts().filter(pk=account.pk).update(failures=failures, retry_at=timezone.now() + pause if failures else None)
