"""slipway layer list, drop"""

from __future__ import annotations

from typing import Any

from .command import command, group
from .names import appliance
from .output import Output
from .server import Server


def add(commands: Any, common: Any) -> None:
    found = group(commands, "layer", "States of machines that builds have kept.")
    lists = command(found, common, "list", show, "What is kept, and what it saves.")
    lists.add_argument("appliance", type=appliance, nargs="?", help="team/app: only of its builds")
    drops = command(found, common, "drop", drop, "Let no build go on from it any more.")
    drops.add_argument("what", type=number_or_appliance, help="its number; or team/app: all of its builds")


def number_or_appliance(text: str) -> Any:
    return int(text) if text.isdecimal() else appliance(text)


def show(asked: Any, server: Server, output: Output) -> None:
    only = f"{asked.appliance.team}/{asked.appliance.slug}" if asked.appliance else None
    rows = list(server.every("layers", appliance=only))
    output.rows(rows, "number", "appliance", "title", "place", "size", "hits", "seconds", "used_at")


def drop(asked: Any, server: Server, output: Output) -> None:
    if isinstance(asked.what, int):
        server.delete("layers", asked.what)
        output.answer(None, f"Layer {asked.what} is dropped.")
    else:
        server.delete(*asked.what.appliance, "layers")
        output.answer(None, f"The layers of {asked.what} are dropped.")
