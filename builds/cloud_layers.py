"""Layers that lie outside, in an account of the team's: as an AMI, or as a machine that is off.

A row tells of each. What it is made of stands in the ledger and belongs to the row, as an image's parts belong to its
artifact. Nothing is removed here: what a dropped row holds is left over, and so the reaper's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F
from django.utils import timezone

from .engine.context import Context
from .engine.layers import Layer as Found
from .engine.layers import Layers
from .engine.layers.misses import why_not
from .engine.layers.shelf import Fill
from .engine.layers.stages import Part, Stage
from .engine.layers.store import duration
from .engine.layers.stored import Stored
from .models import Build, Layer, Resource
from .patience import persist
from .text import storable


class CloudLayers(Layers):
    """A build's. It may use what lies in its team's accounts, whichever appliance that was kept for."""

    def __init__(self, build: Build, secret: bytes) -> None:
        self._build = build
        self._appliance = build.revision.release.appliance
        self.secret = secret

    def longest(self, stages: Sequence[Stage], context: Context) -> tuple[int, Found] | None:
        if not stages:
            return None
        numbers = {stage.key: number for number, stage in enumerate(stages)}
        row = persist(partial(self._take, numbers))
        number = numbers[row.key] if row else -1
        if row:
            context.console.fact("layers", f"went on {row.title}; that saved {duration(row.seconds)}")
        if reason := persist(partial(self._why_not, stages, number)) or ("" if row else "nothing kept yet"):
            context.console.fact("layer miss", reason)
        return (number, _found(row)) if row else None

    def keep(self, stage: Stage, former: Found | None, seconds: float, fill: Fill, context: Context) -> Found:
        if row := persist(lambda: self._usable().filter(key=stage.key).first()):  # another build was quicker
            return _found(row)
        with TemporaryDirectory(dir=context.work) as folder:
            details = {**fill(Path(folder)), "seconds": seconds}
        return _found(persist(partial(self._write_down, stage, former, details)))

    def drop(self, layer: Found) -> None:
        def write() -> None:
            self._usable().filter(key=layer.key).update(dropped=True)
            Build.objects.filter(pk=self._build.pk).update(saved=None, layer=None)

        persist(write)

    def _usable(self) -> Any:
        here = Layer.objects.usable().young(timezone.now()).in_accounts_of(self._appliance.team)
        return here.filter(platform=self._build.platform)

    def _take(self, numbers: Mapping[str, int]) -> Layer | None:
        """The last of these stages. From now on the build counts as its user: until it ends, nobody removes it."""
        with transaction.atomic():
            rows = self._usable().select_for_update().filter(key__in=numbers)
            row = max(rows, key=lambda row: numbers[row.key], default=None)
            if row:
                Layer.objects.filter(pk=row.pk).update(hits=F("hits") + 1, used_at=timezone.now())
                Build.objects.filter(pk=self._build.pk).update(saved=row.seconds, layer=row)
            return row

    def _why_not(self, stages: Sequence[Stage], hit: int) -> str:
        known = self._usable().filter(appliance=self._appliance)
        return why_not(stages, hit, map(_stored, known))

    def _write_down(self, stage: Stage, former: Found | None, details: Mapping[str, Any]) -> Layer:
        """The row, and that it owns what was made. When another build was quicker, ours is left over."""
        now = timezone.now()
        fields = {
            "title": storable(stage.title)[:250],
            "parts": [[storable(part.title), dict(part.inputs)] for part in stage.parts],
            "parent": former.key if former else "",
            "build": self._build,
            "appliance": self._appliance,
            "size": details["size"],
            "seconds": details["seconds"],
            "details": details,
            "reference": details["reference"],
            "private": stage.private,
            "fetched": stage.fetched,
            "dropped": False,
            "hits": 0,
            "created_at": now,
            "used_at": now,
        }
        with transaction.atomic():
            held = Resource.objects.standing().filter(build=self._build, reference__in=details["holds"])
            account, region = held.values_list("account", "place")[0]
            which = {"key": stage.key, "platform": self._build.platform, "place": f"{account} {region}"}
            row, new = Layer.objects.select_for_update().get_or_create(**which, defaults=fields)
            if not new:
                if self._usable().filter(pk=row.pk).exists():
                    return row
                row.resources.update(layer=None)  # it waited for its end
            Layer.objects.filter(pk=row.pk).update(**fields)
            held.update(layer=row)
            row.refresh_from_db()
            return row


def reconcile(now: datetime) -> list[str]:
    """Drop what is too old or too much; forget what was dropped once nothing of it is left."""
    outside = Layer.objects.outside()
    gone, _ = outside.filter(dropped=True).without_resources().delete()
    usable = outside.usable()
    kept = usable.young(now).exclude(appliance=None) if settings.LAYERS else usable.none()
    kept = kept.exclude(pk__in=list(_too_many(kept)))
    dropped = usable.exclude(pk__in=list(kept.values_list("pk", flat=True))).update(dropped=True)
    return [
        *_told(dropped, "dropped, too old or too many"),
        *_told(gone, "nothing is left"),
    ]


def _told(count: int, what: str) -> list[str]:
    return [f"{count} layer{'s' if count > 1 else ''} outside: {what}"] if count else []


def _too_many(layers: Any) -> Iterator[int]:
    """All but the last used ones of each appliance and platform."""
    crowded = layers.order_by().values("appliance", "platform").annotate(count=Count("pk"))
    for each in crowded.filter(count__gt=settings.CLOUD_LAYERS):
        rows = layers.filter(appliance=each["appliance"], platform=each["platform"]).order_by("-used_at", "-pk")
        yield from rows.values_list("pk", flat=True)[settings.CLOUD_LAYERS :]


def _found(row: Layer) -> Found:
    return Found(row.key, row.details, holds=tuple(row.details["holds"]))


def _stored(row: Layer) -> Stored:
    return Stored(
        key=row.key,
        parent=row.parent,
        title=row.title,
        parts=tuple(Part(title, inputs) for title, inputs in row.parts),
        private=row.private,
        fetched=row.fetched,
        made=row.created_at.timestamp(),
        seconds=row.seconds,
        files={},
        size=row.size,
        details=row.details,
    )
