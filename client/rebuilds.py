"""slipway plan; schedule list, add, remove"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .command import command, group
from .errors import FAILED, OK
from .names import any_version, appliance
from .output import Output
from .server import Server


def add(commands: Any, common: Any) -> None:
    plans = command(commands, common, "plan", plan, "Say what a rebuild would do, and what it lacks.")
    plans.add_argument("what", type=any_version, help="team/app, what its channels point to; or team/app@version")

    found = group(commands, "schedule", "Rebuilds by the clock.")
    lists = command(found, common, "list", show, "The schedules of an appliance.")
    lists.add_argument("appliance", type=appliance, help="team/app")
    adds = command(found, common, "add", create, "Rebuild what is published, at these times.")
    adds.add_argument("appliance", type=appliance, help="team/app")
    adds.add_argument("cron", help="minute, hour, day, month and weekday, as for cron: '0 3 * * MON'")
    adds.add_argument("--zone", default="UTC", help="time zone, by its IANA name (UTC)")
    adds.add_argument("--stops-after", type=int, default=3, metavar="N", help="failures in a row; 0 never stops it")
    removes = command(found, common, "remove", remove, "Rebuild by this one no more.")
    removes.add_argument("appliance", type=appliance, help="team/app")
    removes.add_argument("number", type=int)


def plan(asked: Any, server: Server, output: Output) -> int:
    name = asked.what
    found = server.get("plan", appliance=f"{name.team}/{name.slug}", version=name.version or None)
    lines = [line for each in found["forecasts"] for line in told(each)]
    output.answer(found, *(lines or [f"Nothing of {name} is on the catalog, or you may not see it."]))
    return FAILED if any(each["missing"] for each in found["forecasts"]) else OK


def told(forecast: Mapping[str, Any]) -> Iterator[str]:
    why = forecast["reason"] or "nothing has changed"
    takes = "nobody knows how long it takes" if forecast["seconds"] is None else f"takes {_span(forecast['seconds'])}"
    starts = "" if forecast["starts_in"] is None else f", starts in {_span(forecast['starts_in'])}"
    yield f"{forecast['release']} on {forecast['platform']}: {why}; {takes}{starts}"
    if forecast["layer"]:
        yield f"  layers: {forecast['layer']}"
    yield from (f"  missing: {text}" for text in forecast["missing"])
    yield from (f"  {text}" for text in forecast["notes"])


def show(asked: Any, server: Server, output: Output) -> None:
    rows = server.get(*asked.appliance.appliance, "schedules")
    output.rows(rows, "number", "cron", "zone", "on", "next_at", "outcome")


def create(asked: Any, server: Server, output: Output) -> None:
    body = {"cron": asked.cron, "zone": asked.zone, "stops_after": asked.stops_after}
    made = server.post(*asked.appliance.appliance, "schedules", body=body)
    output.answer(made, f"{made['number']}: {made['in_words']} ({made['zone']}), next at {made['next_at']}")


def remove(asked: Any, server: Server, output: Output) -> None:
    server.delete(*asked.appliance.appliance, "schedules", asked.number)
    output.answer(None, f"Schedule {asked.number} is gone.")


def _span(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{round(seconds)} s" if seconds < 90 else f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
