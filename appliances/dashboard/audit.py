"""The audit log of a team, of an appliance, or of the whole site: filtered, paged, and taken along."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliances.audit_form import AuditForm
from appliances.models import Appliance, Event, Team
from appliances.permissions import can_maintain, can_own

from .access import appliance_for, team_for

PAGE_SIZE = 50
COLUMNS = ("at", "what", "text", "team", "appliance", "version", "revision", "by", "via", "note")


@require_safe
def site(request: HttpRequest) -> HttpResponse:
    """Everything, and what belongs to no team: only for those who run the site; for others there is no such page."""
    if not request.user.is_superuser:
        raise Http404
    return show(request, Event.objects.all(), "audit")


@require_safe
@login_required
def team(request: HttpRequest, team: str) -> HttpResponse:
    found = team_for(request, team)
    return show(request, Event.objects.filter(team=found), f"audit-{team}", team=found)


@require_safe
@login_required
def appliance(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = appliance_for(request, team, appliance)
    events = Event.objects.filter(appliance=found)
    return show(request, events, f"audit-{team}-{appliance}", team=found.team, appliance=found)


def show(
    request: HttpRequest,
    events: QuerySet[Event],
    name: str,
    *,
    team: Team | None = None,
    appliance: Appliance | None = None,
) -> HttpResponse:
    form = AuditForm(request.GET, events=events, team=team, appliance=appliance)
    found = form.chosen().select_related("team", "appliance", "release", "revision", "by")
    if export := EXPORTS.get(request.GET.get("format", "")):
        return export(found, name)
    context = {
        "area": "dashboard",
        "team": team,
        "appliance": appliance,
        "may_maintain": appliance and can_maintain(request.user, appliance.team),
        "may_own": team and can_own(request.user, team),
        "form": form,
        "page": Paginator(found, PAGE_SIZE).get_page(request.GET.get("page", "1")),
    }
    return render(request, "dashboard/audit.html", context)


def line(event: Event) -> dict[str, Any]:
    return {
        "at": event.at.isoformat(timespec="seconds"),
        "what": event.name,
        "text": event.text,
        "team": event.team.slug if event.team else None,
        "appliance": event.appliance.slug if event.appliance else None,
        "version": event.release.version if event.release else None,
        "revision": event.revision.number if event.revision else None,
        "by": event.by.get_username() if event.by else None,
        "via": event.via,
        "note": event.note,
    }


class Echo:
    """A file for csv.writer that hands each line on instead of keeping it."""

    def write(self, text: str) -> str:
        return text


def as_csv(events: QuerySet[Event], name: str) -> StreamingHttpResponse:
    def lines() -> Iterator[str]:
        writer = csv.DictWriter(Echo(), COLUMNS)
        yield writer.writeheader()
        for event in events.iterator(chunk_size=500):
            yield writer.writerow({key: cell(value) for key, value in line(event).items()})

    return streamed(lines(), "text/csv; charset=utf-8", f"{name}.csv")


def cell(value: Any) -> Any:
    """What a spreadsheet would take for a formula becomes text again."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def as_json_lines(events: QuerySet[Event], name: str) -> StreamingHttpResponse:
    lines = (json.dumps(line(event), ensure_ascii=False) + "\n" for event in events.iterator(chunk_size=500))
    return streamed(lines, "application/jsonl; charset=utf-8", f"{name}.jsonl")


def streamed(lines: Iterator[str], content_type: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type=content_type, headers=headers)


EXPORTS: dict[str, Callable[[QuerySet[Event], str], StreamingHttpResponse]] = {"csv": as_csv, "jsonl": as_json_lines}
