"""Rebuild many releases: choose them, see what that would do, then do it; and the line of those that wait."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from appliances.causes import rebuilds
from appliances.causes.current import current
from appliances.causes.due import Due, due
from appliances.causes.forecast import forecast
from appliances.models import Appliance, Base, Rebuild, Revision, Team
from appliances.permissions import can_maintain
from appliances.states import Cause, RebuildState
from builds.engine.errors import SlipwayError

from .home import maintained

FORECAST = 40
"""Releases whose forecast is shown; each takes its time to look at."""
LINE = 100
LONGEST = 18
"""Digits of a key: no database has longer ones."""
RECENT = 20


@login_required
def rebuild(request: HttpRequest) -> HttpResponse:
    teams = maintained(request.user, list(Team.objects.of(request.user).order_by("name")))
    mine = Appliance.objects.filter(team__in=teams)
    if request.method == "POST":
        return post(request, mine)
    candidates = list(filtered(request, mine))
    changed = {each.revision.pk: each for each in due(candidates)}
    context = {
        "area": "rebuilds",
        "teams": teams,
        "bases": sorted(set(Base.objects.of(request.user).values_list("title", flat=True))),
        "rows": [(revision, changed.get(revision.pk), checked(request, revision, changed)) for revision in candidates],
        **line(request),
    }
    return render(request, "dashboard/rebuild.html", context)


def post(request: HttpRequest, mine: QuerySet[Appliance]) -> HttpResponse:
    """`plan` shows what would be done with the chosen releases, `rebuild` does it."""
    chosen = numbers(request.POST.getlist("release"))
    revisions = list(
        Revision.objects.published()
        .filter(release__in=chosen, release__appliance__in=mine)
        .select_related("release__appliance__team")
        .order_by("release__appliance__team__slug", "release__appliance__slug", "release__version")
    )
    if not revisions:
        messages.error(request, "Choose at least one release.")
        return redirect("rebuild")
    now = timezone.now()
    if "rebuild" in request.POST:
        ask(request, revisions, now)
        return redirect("rebuild")
    context = {
        "area": "rebuilds",
        "revisions": revisions,
        "because": request.POST.get("because", ""),
        "forecasts": forecast(revisions[:FORECAST], now),
        "more": len(revisions[FORECAST:]),
        "last": rebuilds.waiting_time(Rebuild.objects.waiting().count() + len(revisions) - 1, now),
        "limit": settings.REBUILDS_PER_HOUR,
    }
    return render(request, "dashboard/rebuild_plan.html", context)


def ask(request: HttpRequest, revisions: list[Revision], now: datetime) -> None:
    because = request.POST.get("because", "").strip()[:200]
    changed = {each.revision.pk: each for each in due(revisions)}
    asked = []
    for revision in revisions:
        why: dict[str, Any] = {"cause": Cause.REBUILD, "because": because}
        if not because and revision.pk in changed:
            why = {"cause": changed[revision.pk].cause, "because": changed[revision.pk].because}
        try:
            layers = False if "without-layers" in request.POST else None
            asked.append(rebuilds.ask(revision.release, by=request.user, now=now, layers=layers, **why).pk)
        except SlipwayError as error:  # withdrawn since the page was made
            messages.error(request, str(error))
    rebuilds.feed(now)
    states = list(Rebuild.objects.filter(pk__in=asked).values_list("state", flat=True))
    started, waiting = states.count(RebuildState.STARTED), states.count(RebuildState.WAITING)
    if started:
        messages.success(request, f"{started} release{'s are' if started > 1 else ' is'} being rebuilt.")
    if waiting:
        verb = "wait" if waiting > 1 else "waits"
        messages.info(request, f"{waiting} {verb}: {settings.REBUILDS_PER_HOUR} may start in an hour.")


@require_POST
@login_required
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    found = get_object_or_404(Rebuild.objects.select_related("release__appliance__team"), pk=number)
    team = found.release.appliance.team
    if not Team.objects.of(request.user).filter(pk=team.pk).exists():
        raise Http404
    if not can_maintain(request.user, team):
        raise PermissionDenied
    try:
        rebuilds.cancel(found, by=request.user)
    except SlipwayError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.release} is not rebuilt.")
    return redirect("rebuild")


def filtered(request: HttpRequest, mine: QuerySet[Appliance]) -> QuerySet[Revision]:
    """`?team=acme`, `?base=debian:12`, `?release=3,4`: those, of which one of the published versions each; or all."""
    if keys := numbers(request.GET.get("release", "").split(",")):
        found = Revision.objects.published().filter(release__in=keys, release__appliance__in=mine)
        return found.select_related("release__appliance__team").order_by("release__appliance__name", "release__version")
    found = current(mine)
    if team := request.GET.get("team"):
        found = found.filter(release__appliance__team__slug=team)
    if base := request.GET.get("base"):
        found = found.filter(built_from__base__title=base).distinct()
    return found


def numbers(texts: list[str]) -> list[int]:
    return [int(text) for text in texts if text.isdecimal() and len(text) < LONGEST]


def checked(request: HttpRequest, revision: Revision, changed: dict[int, Due]) -> bool:
    """Who came for some gets those; who came for nothing in particular gets what is due."""
    return any(request.GET.get(name) for name in ("team", "base", "release")) or revision.pk in changed


def line(request: HttpRequest) -> dict[str, Any]:
    """What waits and what was lately started, of this person's teams; the limit is everybody's."""
    now = timezone.now()
    all_waiting = list(Rebuild.objects.waiting().values_list("pk", flat=True))
    theirs = Rebuild.objects.filter(release__appliance__in=Appliance.objects.of(request.user)).select_related(
        "release__appliance__team", "by", "revision"
    )
    waiting = list(theirs.filter(state=RebuildState.WAITING).order_by("pk")[:LINE])
    for each in waiting:
        turn = rebuilds.waiting_time(all_waiting.index(each.pk), now) if each.pk in all_waiting else None
        each.turn = None if turn is None else turn.total_seconds()
        each.may_cancel = can_maintain(request.user, each.release.appliance.team)
    return {
        "waiting": waiting,
        "recent": theirs.exclude(state=RebuildState.WAITING)[:RECENT],
        "limit": settings.REBUILDS_PER_HOUR,
        "started": Rebuild.objects.started_since(now - rebuilds.HOUR).count(),
    }
