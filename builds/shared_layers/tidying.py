"""Removing what is shared and of no use any more. Safe on many machines at once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.conf import settings
from django.core.files.storage import default_storage

from ..models import Layer
from .packed import PREFIX, rows

ORPHAN = timedelta(days=1)  # a stored file this old without a row was given by a host that was killed meanwhile


def tidy(now: datetime) -> list[str]:
    """Remove what was dropped, is too old, continues what is gone, or is over the limit, the longest unused first."""
    every = list(rows().defer("parts"))
    young = set(rows().usable().young(now).values_list("pk", flat=True))
    kept = within_limit(standing(row for row in every if row.pk in young))
    removed = [row for row in every if row not in kept]
    for row in removed:
        # Who removes the row removes the file: another host may be at it, too.
        if Layer.objects.filter(pk=row.pk).delete()[0]:
            default_storage.delete(row.details["file"])
    for name in list(default_storage.stale(PREFIX, now - ORPHAN)):
        if not rows().filter(details__file=name).exists():
            default_storage.delete(name)
    return [f"{len(removed)} shared layer{'s' if len(removed) > 1 else ''}: removed"] if removed else []


def standing(found: Iterable[Layer]) -> list[Layer]:
    """Those below which nothing is missing."""
    known, made = [], {}
    for row in sorted(found, key=lambda row: row.details["made"]):  # what one continues is older
        if not row.parent or made.get((row.platform, row.parent)) == row.details["parent made"]:
            made[row.platform, row.key] = row.details["made"]
            known.append(row)
    return known


def within_limit(found: list[Layer]) -> list[Layer]:
    kept = list(found)
    while sum(row.size for row in kept) > settings.LAYERS:
        parents = {(row.platform, row.parent) for row in kept}
        ends = [row for row in kept if (row.platform, row.key) not in parents]
        kept.remove(min(ends, key=lambda row: row.used_at))
    return kept
