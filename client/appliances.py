"""slipway appliance list, create"""

from __future__ import annotations

from typing import Any

from .command import command, group
from .names import appliance
from .output import Output
from .server import Server
from .validate import text_of


def add(commands: Any, common: Any) -> None:
    found = group(commands, "appliance", "What people download.")
    lists = command(found, common, "list", show, "The appliances of your teams.")
    lists.add_argument("--team", help="only this team's")
    makes = command(found, common, "create", create, "Make a new one.")
    makes.add_argument("appliance", type=appliance, help="team/app")
    makes.add_argument("--name", required=True, help="as people know it")
    makes.add_argument("--summary", required=True, help="one line")
    makes.add_argument("--description", metavar="FILE", help="Markdown; - reads standard input")
    makes.add_argument("--approve", action="store_true", help="publish only when a maintainer says so")


def show(asked: Any, server: Server, output: Output) -> None:
    rows = list(server.every("appliances", team=asked.team))
    output.rows(rows, "team", "slug", "name", "summary")


def create(asked: Any, server: Server, output: Output) -> None:
    body = {
        "team": asked.appliance.team,
        "slug": asked.appliance.slug,
        "name": asked.name,
        "summary": asked.summary,
        "publish_automatically": not asked.approve,
    }
    if asked.description:
        body["description"] = text_of(asked.description)
    made = server.post("appliances", body=body)
    output.answer(made, f"{asked.appliance} is made. Next: slipway release create {asked.appliance} 1.0.0")
