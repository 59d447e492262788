"""slipway build watch, log, list, cancel, retry, debug"""

from __future__ import annotations

import sys
from typing import Any

from .command import command, group
from .debugging import debug
from .errors import Failure
from .names import Name, build_or_release
from .output import Output, plain
from .server import Server
from .watch import watch

PATIENT = 600.0
"""Seconds for which a server that restarts is waited for: a build lasts longer than that."""


def add(commands: Any, common: Any) -> None:
    found = group(commands, "build", "Attempts to make the images.")
    lists = command(found, common, "list", show_all, "The builds of your teams, the newest first.")
    lists.add_argument("--state", help="only those in this state")
    sees = command(found, common, "watch", follow, "Show log and progress until the end.", patience=PATIENT)
    sees.add_argument("what", type=build_or_release, help="a number, or team/app@version")
    for name, run, text in (
        ("log", log, "Print what it has said so far."),
        ("cancel", cancel, "Stop it."),
        ("retry", retry, "Try a failed or cancelled one again."),
    ):
        each = command(found, common, name, run, text, patience=PATIENT)
        each.add_argument("number", type=int)
        if name == "retry":
            each.add_argument("--watch", action="store_true", help="watch until the end")
    look = command(found, common, "debug", debug, "Try a failed one again, keep its machine, and run lines in it.")
    look.add_argument("number", type=int, help="a failed build, or one whose machine is kept")
    look.add_argument("--minutes", type=int, default=30, help="how long its machine is kept if it fails (30)")
    look.add_argument("--key", metavar="FILE", help="a public key that is let in over SSH")
    look.add_argument("--stay-out", action="store_true", help="run nothing, only say how to get in")
    look.add_argument("--end", action="store_true", help="destroy the machine at the end of the input")


def show_all(asked: Any, server: Server, output: Output) -> None:
    # One page: all builds there ever were is no answer that anybody wants.
    rows = server.get("builds", state=asked.state, limit=30)["items"]
    output.rows(rows, "number", "appliance", "version", "platform", "state", "queued_at")


def follow(asked: Any, server: Server, output: Output) -> int:
    return watch(server, output, builds_of(server, asked.what))


def builds_of(server: Server, what: int | Name) -> list[int]:
    """Those of a release's newest revision."""
    if isinstance(what, int):
        return [what]
    revisions = server.get(*what.release, "revisions", limit=1)["items"]
    if not revisions:
        raise Failure(f"{what} was never built.", hint=f"slipway release create {what.team}/{what.slug} … --build")
    return [each["number"] for each in revisions[0]["builds"]]


def log(asked: Any, server: Server, output: Output) -> None:
    after, chunks = -1, []
    while (found := server.get("builds", asked.number, "log", after=after))["chunks"]:
        after = found["after"]
        if output.as_json:
            chunks += found["chunks"]
        else:
            sys.stdout.write(plain("".join(each["text"] for each in found["chunks"])))
    if output.as_json:
        output.answer(chunks)


def cancel(asked: Any, server: Server, output: Output) -> None:
    done = server.post("builds", asked.number, "cancel")
    output.answer(done, f"Build {asked.number} is {done['state']}.")


def retry(asked: Any, server: Server, output: Output) -> int | None:
    done = server.post("builds", asked.number, "retry")
    if asked.watch:
        return watch(server, output, [done["number"]])
    output.answer(done, f"Build {done['number']} is {done['state']}.", done["url"])
    return None
