"""A failed build's machine that is kept: asking for it, a console on its build's page, SSH, more time, and its end."""

from __future__ import annotations

import hashlib
import ipaddress
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from appliances.permissions import can_maintain
from builds import kept
from builds.engine.errors import SlipwayError
from builds.models import Build, DebugCommand

from .access import build_for

CHOICES = (15, 30, 60)
"""Minutes."""
COMMANDS_SHOWN = 20


@dataclass(frozen=True)
class Visit:
    """How somebody with an SSH client comes in."""

    command: str
    known_hosts: str
    fingerprint: str
    host: str
    """Only from that host, because it listens nowhere else; empty: from anywhere."""

    @classmethod
    def of(cls, build: Build) -> Visit | None:
        """None: nobody's key is in the machine yet."""
        access = build.debug_access
        if not access.get("port"):
            return None
        place = f"[{access['host']}]:{access['port']}"
        digest = hashlib.sha256(b64decode(access["host_key"].split()[1])).digest()
        return cls(
            f"ssh -p {access['port']} {access['user']}@{access['host']}",
            f"{place} {access['host_key']}",
            f"SHA256:{b64encode(digest).decode().rstrip('=')}",
            build.worker.rpartition(":")[0] if is_loopback(access["host"]) else "",
        )


@dataclass(frozen=True)
class Session:
    """Everything that the card on the page shows."""

    commands: list[DebugCommand]
    current: int | None
    """The key of the command that runs; those after it wait."""
    visit: Visit | None
    keys: int
    problem: str
    stamp: str
    """Another one whenever something of it has changed."""

    @classmethod
    def of(cls, build: Build) -> Session:
        commands = list(build.debug_commands.select_related("by").order_by("-pk")[:COMMANDS_SHOWN])[::-1]
        going = [each.pk for each in commands if each.finished_at is None] if build.kept_until else []
        access = build.debug_access
        seen = [[each.pk, len(each.output), each.finished_at] for each in commands]
        stamp = hashlib.sha256(repr([seen, access, build.debug_until]).encode()).hexdigest()[:16]
        problem = access.get("problem", "")
        return cls(commands, min(going, default=None), Visit.of(build), len(access.get("keys", [])), problem, stamp)


@require_POST
@login_required
def debug(request: HttpRequest, number: int) -> HttpResponse:
    """Try it again, and keep its machine."""
    found = build_for(request, number, can_maintain)
    wanted = request.POST.get("minutes", "")
    try:
        again = kept.retry(found, int(wanted) if wanted.isdecimal() else CHOICES[0], by=request.user)
    except SlipwayError as error:
        messages.error(request, str(error))
        return redirect("build", number)
    return redirect("build", again.pk)


@require_POST
@login_required
def run(request: HttpRequest, number: int) -> HttpResponse:
    text = request.POST.get("text", "")
    return _do(request, number, lambda build: kept.run(build, text, by=request.user))


@require_POST
@login_required
def admit(request: HttpRequest, number: int) -> HttpResponse:
    key = request.POST.get("key", "")
    return _do(request, number, lambda build: kept.admit(build, key, by=request.user))


@require_POST
@login_required
def extend(request: HttpRequest, number: int) -> HttpResponse:
    return _do(request, number, lambda build: kept.extend(build, by=request.user))


@require_POST
@login_required
def end(request: HttpRequest, number: int) -> HttpResponse:
    return _do(request, number, lambda build: kept.end(build, by=request.user))


def _do(request: HttpRequest, number: int, verb: Callable[[Build], object]) -> HttpResponse:
    """The page, or for its script only what has changed on it."""
    found = build_for(request, number, can_maintain)
    try:
        verb(found)
    except SlipwayError as error:
        messages.error(request, str(error))
        if request.htmx:
            return HttpResponse(headers={"HX-Refresh": "true"})
    if request.htmx:
        return render(request, "builds/_session.html", {"build": found, "session": Session.of(found)})
    return redirect(f"/builds/{number}#debug")


def choices() -> list[int]:
    """For how many minutes it can be asked."""
    return [each for each in CHOICES if each <= settings.DEBUG_MINUTES] or [settings.DEBUG_MINUTES]


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
