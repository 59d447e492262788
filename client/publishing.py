"""slipway publish, reject, promote, withdraw, restore, roll-back"""

from __future__ import annotations

from typing import Any

from .command import command
from .names import release
from .output import Output
from .server import Server

RELEASE = "team/app@version"
WHY = "why: your team reads it in the audit log"


def add(commands: Any, common: Any) -> None:
    publishes = command(commands, common, "publish", publish, "Put a finished release on the catalog.")
    publishes.add_argument("release", type=release, help=RELEASE)
    publishes.add_argument("--revision", type=int, metavar="N", help="the newest by default")
    publishes.add_argument("--note", help=WHY)
    rejects = command(commands, common, "reject", reject, "Decide that a finished release is not published.")
    rejects.add_argument("release", type=release, help=RELEASE)
    rejects.add_argument("--revision", type=int, metavar="N", help="the newest by default")
    rejects.add_argument("--note", required=True, help=WHY)
    promotes = command(commands, common, "promote", promote, "Let a channel point to a published release.")
    promotes.add_argument("release", type=release, help=RELEASE)
    promotes.add_argument("channel", help="stable, beta, or one of your own")
    promotes.add_argument("--note", help=WHY)
    withdraws = command(commands, common, "withdraw", withdraw, "Take a release off the catalog.")
    withdraws.add_argument("release", type=release, help=RELEASE)
    withdraws.add_argument("--reason", required=True, help="everybody who opens its page reads this")
    withdraws.add_argument("--instead", metavar="VERSION", help="what to use in its place; else the catalog chooses")
    for name, run, text in (
        ("restore", restore, "Show a withdrawn release again."),
        ("roll-back", roll_back, "Put the revision back up that was published before."),
    ):
        command(commands, common, name, run, text).add_argument("release", type=release, help=RELEASE)


def publish(asked: Any, server: Server, output: Output) -> None:
    done = server.post(*asked.release.release, "publish", body=said(asked, "revision", "note"))
    output.answer(done, f"{asked.release} r{done['number']} is on the catalog.")


def reject(asked: Any, server: Server, output: Output) -> None:
    done = server.post(*asked.release.release, "reject", body=said(asked, "revision", "note"))
    output.answer(done, f"{asked.release} r{done['number']} is rejected.")


def promote(asked: Any, server: Server, output: Output) -> None:
    body = {"version": asked.release.version, **said(asked, "note")}
    done = server.put(*asked.release.appliance, "channels", asked.channel, body=body)
    output.answer(done, f"{done['name']} points to {asked.release}.")


def withdraw(asked: Any, server: Server, output: Output) -> None:
    done = server.post(*asked.release.release, "withdraw", body=said(asked, "reason", "instead"))
    output.answer(done, f"{asked.release} is withdrawn.")


def restore(asked: Any, server: Server, output: Output) -> None:
    done = server.post(*asked.release.release, "restore")
    output.answer(done, f"{asked.release} is on the catalog again.")


def roll_back(asked: Any, server: Server, output: Output) -> None:
    done = server.post(*asked.release.release, "roll-back")
    output.answer(done, f"{asked.release} r{done['number']} is on the catalog again.")


def said(asked: Any, *names: str) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name in names if (value := getattr(asked, name)) is not None}
