"""A failed build's machine that is kept: asking for it, commands, SSH, more time, and its end."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from appliances.dashboard.debugging import Visit
from appliances.models import Scope
from appliances.permissions import can_maintain
from builds import kept
from builds.models import Build, DebugCommand

from .access import Bearer
from .builds import BuildShape
from .shapes import Input, Output

router = Router(tags=["Debugging"])
BUILD = Bearer(Scope.BUILD)
DEBUG = "builds/{int:number}/debug"


class Wanted(Input):
    minutes: int = Field(30, ge=1, le=1440, description="The server may allow less: SLIPWAY_DEBUG_MINUTES.")


class NewCommand(Input):
    text: str = Field(
        min_length=1, max_length=kept.LONGEST_COMMAND, description="A line of sh, run as root.", examples=["dmesg"]
    )


class Key(Input):
    key: str = Field(max_length=kept.LONGEST_COMMAND, description="A public key.", examples=["ssh-ed25519 AAAA… me"])


class CommandShape(Output):
    number: int
    text: str
    output: str = Field(description="At most the last 64 KiB; secrets were removed.")
    exit_code: int | None = Field(description="124: it took too long; 255: it could not be run; null: not ended.")
    asked_at: datetime
    finished_at: datetime | None
    by: str | None

    @classmethod
    def of(cls, row: DebugCommand) -> CommandShape:
        copied = ("text", "output", "exit_code", "asked_at", "finished_at")
        by = row.by.username if row.by else None
        return cls(number=row.pk, by=by, **{name: getattr(row, name) for name in copied})


class DebugShape(Output):
    kept_until: datetime | None = Field(description="Until when its machine is there; null: it is not.")
    ssh: str | None = Field(
        description="How to come in; null as long as no key was let in.", examples=["ssh -p 40022 …"]
    )
    known_hosts: str | None = Field(description="The machine's host key, as a line of `known_hosts`.")
    problem: str = Field(description="Why a key could not be let in.")

    @classmethod
    def of(cls, row: Build) -> DebugShape:
        visit = Visit.of(row) if row.kept_until else None
        return cls(
            kept_until=row.kept_until,
            ssh=visit.command if visit else None,
            known_hosts=visit.known_hosts if visit else None,
            problem=row.debug_access.get("problem", ""),
        )


@router.post(DEBUG, auth=BUILD, response=BuildShape)
def debug_build(request: HttpRequest, number: int, body: Wanted) -> BuildShape:
    """Try a failed build again, and keep its machine if it fails in it; answers the new one. Maintainers only."""
    build = request.auth.build(number, can_maintain)
    return BuildShape.of(kept.retry(build, body.minutes, by=request.auth.user))


@router.get(DEBUG, response=DebugShape)
def show_debugging(request: HttpRequest, number: int) -> DebugShape:
    """Whether its machine is kept, and how to get in. Maintainers only."""
    return DebugShape.of(request.auth.build(number, can_maintain))


@router.delete(DEBUG, auth=BUILD, response={204: None})
def end_debugging(request: HttpRequest, number: int) -> None:
    """The machine is destroyed now, and the build ends. Nothing happens when it is gone. Maintainers only."""
    kept.end(request.auth.build(number, can_maintain), by=request.auth.user)


@router.post(f"{DEBUG}/extend", auth=BUILD, response=DebugShape)
def extend_debugging(request: HttpRequest, number: int) -> DebugShape:
    """15 minutes more, or as long as the server allows. Maintainers only."""
    build = request.auth.build(number, can_maintain)
    kept.extend(build, by=request.auth.user)
    build.refresh_from_db()
    return DebugShape.of(build)


@router.post(f"{DEBUG}/keys", auth=BUILD, response={202: DebugShape})
def admit_key(request: HttpRequest, number: int, body: Key) -> Status:
    """Let a key into the machine; it takes a moment until there is an address to come to. Maintainers only."""
    build = request.auth.build(number, can_maintain)
    kept.admit(build, body.key, by=request.auth.user)
    return Status(202, DebugShape.of(build))


@router.get(f"{DEBUG}/commands", response=list[CommandShape])
def list_debug_commands(request: HttpRequest, number: int) -> list[CommandShape]:
    """Those that were run in its machine, in order. Maintainers only."""
    rows = request.auth.build(number, can_maintain).debug_commands.select_related("by")
    return [CommandShape.of(row) for row in rows]


@router.post(f"{DEBUG}/commands", auth=BUILD, response={201: CommandShape})
def run_debug_command(request: HttpRequest, number: int, body: NewCommand) -> Status:
    """Runs after those that were asked for before; ask for it until it has ended. Maintainers only."""
    build = request.auth.build(number, can_maintain)
    return Status(201, CommandShape.of(kept.run(build, body.text, by=request.auth.user)))


@router.get(f"{DEBUG}/commands/{{int:command}}", response=CommandShape)
def show_debug_command(request: HttpRequest, number: int, command: int) -> CommandShape:
    """One command, and what it has said so far. Maintainers only."""
    row = request.auth.build(number, can_maintain).debug_commands.select_related("by").filter(pk=command).first()
    if row is None:
        raise Http404
    return CommandShape.of(row)
