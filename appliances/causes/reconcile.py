"""The minute's round of what causes rebuilds. Safe on many machines at once: each step takes rows by compare-and-set."""

from __future__ import annotations

from datetime import datetime

from django.utils import timezone

from . import bases, due, rebuilds, schedules


def run(now: datetime | None = None) -> list[str]:
    """Returns a sentence for each thing that happened."""
    now = now or timezone.now()
    bases.link()
    changed = bases.follow_releases(now)
    bases.call(now)
    told = [*changed, *due.ask(now), *schedules.judge(now), *schedules.run(now)]
    return [*told, *(str(rebuild) for rebuild in rebuilds.feed(now))]
