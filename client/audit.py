"""slipway audit"""

from __future__ import annotations

from itertools import islice
from typing import Any

from .command import command
from .names import appliance
from .output import Output
from .server import Server

FILTERS = {
    "team": "only this team's",
    "who": "only what this person did",
    "what": "only this, such as published",
    "since": "from the start of this day, such as 2026-11-01",
    "until": "to the end of this day",
}


def add(commands: Any, common: Any) -> None:
    shows = command(commands, common, "audit", show, "What was done, by whom, the newest first.")
    shows.add_argument("--appliance", type=appliance, metavar="APP", help="only this team/app's")
    for name, text in FILTERS.items():
        shows.add_argument(f"--{name}", help=text)
    shows.add_argument("--limit", type=int, default=30, metavar="N", help="how many at most (30)")


def show(asked: Any, server: Server, output: Output) -> None:
    wanted = {name: getattr(asked, name) for name in FILTERS}
    appliance = str(asked.appliance) if asked.appliance else None
    rows = list(islice(server.every("audit", appliance=appliance, **wanted), max(0, asked.limit)))
    output.rows(rows, "at", "by", "via", "team", "appliance", "version", "text", "note")
