"""The minute's round of what causes rebuilds, safe on many machines at once: rows are taken by compare-and-set."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from . import bases, due, rebuilds, schedules


def run(now: datetime | None = None) -> list[str]:
    """Returns a sentence for each thing that happened."""
    now = now or timezone.now()
    bases.link(now)
    changed = bases.follow_releases(now)
    bases.call(now)
    told = [*changed, *due.ask(now), *schedules.judge(now), *schedules.run(now)]
    return [*told, *(str(rebuild) for rebuild in rebuilds.feed(now))]
