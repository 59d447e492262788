"""Rebuilds in turn: as many an hour as the settings allow; the rest waits, to be seen and cancelled."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from appliances import audit, releases
from appliances.models import Rebuild, Release, Schedule, User
from appliances.moves import move_rebuild
from appliances.states import FROM_OUTSIDE, Cause, RebuildState, ReleaseState
from builds.engine.errors import SlipwayError
from builds.moves import Lost

HOUR = timedelta(hours=1)


def ask(
    release: Release,
    *,
    by: User | None,
    now: datetime,
    cause: Cause = Cause.REBUILD,
    because: str = "",
    schedule: Schedule | None = None,
    via: str = "",
    layers: bool | None = None,
) -> Rebuild:
    """It should be rebuilt when its turn comes. A release waits once, whoever asks; returns that rebuild.

    `layers`: whether its builds may go on from some; by default unless something outside is the cause. Whoever wants
    none gets none. Raises Refused when it is not on the catalog.
    """
    if layers is None:
        layers = cause not in FROM_OUTSIDE
    with transaction.atomic(), audit.via(via):
        release = Release.objects.select_for_update().get(pk=release.pk)
        _published(release)
        why = {"cause": cause, "because": because, "schedule": schedule, "layers": layers}
        fields = {"by": by, "via": via, "asked_at": now, **why}
        rebuild, created = Rebuild.objects.get_or_create(release=release, state=RebuildState.WAITING, defaults=fields)
        if created:
            audit.record(release, "rebuild-asked", f"rebuild asked: {because}" if because else "", by=by)
        else:
            rebuild.schedule = rebuild.schedule or schedule  # it will want to know what came of it
            rebuild.layers = rebuild.layers and layers
            rebuild.save(update_fields=["schedule", "layers"])
    return rebuild


def feed(now: datetime) -> list[Rebuild]:
    """Start what waits, as far as this hour has room; returns what was started or refused."""
    done = []
    while rebuild := _start_next(now):
        done.append(rebuild)
    return done


def cancel(rebuild: Rebuild, *, by: User | None) -> None:
    """Take it out of the line. Raises Refused when it has left it already."""
    with transaction.atomic():
        try:
            move_rebuild(rebuild, RebuildState.WAITING, RebuildState.CANCELLED)
        except Lost:
            rebuild.refresh_from_db()
            if rebuild.state != RebuildState.CANCELLED:
                raise releases.Refused(
                    f"The {rebuild} does not wait any more.", hint="Cancel its builds instead."
                ) from None
        else:
            audit.record(rebuild.release, "rebuild-cancelled", by=by)


def room(now: datetime) -> int:
    """How many may still be started this hour."""
    return max(0, settings.REBUILDS_PER_HOUR - Rebuild.objects.started_since(now - HOUR).count())


def waiting_time(place: int, now: datetime) -> timedelta | None:
    """Until the one at this place of the line (from 0) may start; None when the limit lets nothing start."""
    limit = settings.REBUILDS_PER_HOUR
    if limit < 1:
        return None
    started = Rebuild.objects.started_since(now - HOUR).order_by("started_at").values_list("started_at", flat=True)
    last = list(started)[-limit:]
    free = limit - len(last)
    if place < free:
        return timedelta()
    whole, rest = divmod(place - free, limit)
    # A place is free again an hour after it was taken.
    again = [*(at + HOUR - now for at in last), *[HOUR] * free]
    return again[rest] + whole * HOUR


def _start_next(now: datetime) -> Rebuild | None:
    with transaction.atomic():
        # Whoever else feeds waits at this row, so that nobody counts the hour while another starts something.
        rebuild = Rebuild.objects.waiting().select_for_update().first()
        if rebuild is None or room(now) == 0:
            return None
        try:
            with transaction.atomic(), audit.via(rebuild.via):
                _published(rebuild.release)
                why = {"cause": rebuild.cause, "because": rebuild.because, "layers": rebuild.layers}
                revision = releases.rebuild(rebuild.release, by=rebuild.by, **why)
        except SlipwayError as error:
            move_rebuild(rebuild, RebuildState.WAITING, RebuildState.REFUSED, error=str(error))
        else:
            move_rebuild(rebuild, RebuildState.WAITING, RebuildState.STARTED, revision=revision, started_at=now)
    return rebuild


def _published(release: Release) -> None:
    if release.state != ReleaseState.PUBLISHED:
        raise releases.Refused(f"{release} is {release.state}.", hint="Only what is on the catalog is rebuilt in turn.")
