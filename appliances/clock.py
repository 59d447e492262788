"""When a cron expression comes true in a time zone.

cronsim is what computes it, since it does as Debian's cron does when clocks change: what is due at a time that is left
out runs once right after, what is due at a time that comes twice runs the first time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

FIELDS = 5
SHORTEST = timedelta(minutes=55)
"""Between two runs: an hour, even where the clock moves a little."""
COMPARED = 30


def times(cron: str, zone: str, after: datetime) -> Iterator[datetime]:
    """All that come after a moment."""
    for found in CronSim(cron, after.astimezone(ZoneInfo(zone))):
        if found > after:  # within an hour that comes twice, its first half is past
            yield found


def following(cron: str, zone: str, after: datetime) -> datetime:
    return next(times(cron, zone, after))


def in_words(cron: str) -> str:
    return CronSim(cron, datetime(2000, 1, 1)).explain()


def problems(cron: str, zone: str) -> dict[str, str]:
    """What is wrong, by field."""
    if zone not in available_timezones():
        return {"zone": f"{zone} is no time zone. Names are such as UTC, Europe/Berlin or America/New_York."}
    if len(cron.split()) != FIELDS:
        return {"cron": "Give five fields with spaces between: minute, hour, day, month, weekday, such as 0 3 * * 1."}
    try:
        found = list(islice(times(cron, zone, datetime(2026, 1, 1, tzinfo=ZoneInfo(zone))), COMPARED))
    except CronSimError as error:
        return {"cron": f"{error}: see crontab(5) for what the five fields may hold."}
    if not found:
        return {"cron": "That time never comes."}
    if any(later - earlier < SHORTEST for earlier, later in pairwise(found)):
        return {"cron": "That is more often than once an hour."}
    return {}
