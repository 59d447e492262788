"""What needs me, and the matrix: every appliance's newest build on every platform."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Exists, Max, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from appliances.models import Appliance, Release, Revision, Role, Team
from appliances.states import RevisionState
from builds.models import Build

from .example import EXAMPLE

PAGE_SIZE = 50
NEEDS_SHOWN = 8


@require_safe
@login_required
def dashboard(request: HttpRequest) -> HttpResponse:
    teams = list(Team.objects.of(request.user).order_by("name"))
    appliances = Appliance.objects.filter(team__in=teams)
    page = Paginator(with_newest_release(appliances), PAGE_SIZE).get_page(request.GET.get("page", "1"))
    context = {
        "area": "dashboard",
        "teams": teams,
        "may_create": maintained(request.user, teams),
        "page": page,
        "platforms": settings.PLATFORMS,
        "example": EXAMPLE,
        "rows": matrix(page),
        **needs(teams),
        "may_publish": {team.pk for team in maintained(request.user, teams)},
    }
    return render(request, "dashboard/home.html", context)


def maintained(user: Any, teams: list[Team]) -> list[Team]:
    """Those of the teams in which this person may make and publish things."""
    if user.is_superuser:
        return teams
    rows = user.memberships.exclude(role=Role.VIEWER).values_list("team", flat=True)
    mine = set(rows)
    return [team for team in teams if team.pk in mine]


def with_newest_release(appliances: Any) -> Any:
    newest = Release.objects.filter(appliance=OuterRef("pk")).order_by("-created_at", "-pk").values("pk")[:1]
    return appliances.annotate(newest_release=Subquery(newest)).select_related("team").order_by("name", "pk")


def matrix(page: Any) -> list[dict[str, Any]]:
    """A row per appliance on the page; three queries however many there are."""
    releases = Release.objects.in_bulk([each.newest_release for each in page if each.newest_release])
    newest = (
        Build.objects.filter(revision__release__appliance__in=list(page))
        .values("revision__release__appliance", "platform")
        .annotate(newest=Max("pk"))
        .order_by()
    )
    cells = {(each["revision__release__appliance"], each["platform"]): each["newest"] for each in newest}
    builds = Build.objects.select_related("revision__release").in_bulk(cells.values())
    return [
        {
            "appliance": appliance,
            "release": releases.get(appliance.newest_release),
            "cells": [(platform, builds.get(cells.get((appliance.pk, platform)))) for platform in settings.PLATFORMS],
        }
        for appliance in page
    ]


def needs(teams: list[Team]) -> dict[str, Any]:
    """What waits for a person, the most urgent first, and what is under way."""
    newer = Revision.objects.filter(release=OuterRef("release"), number__gt=OuterRef("number"))
    current = (
        Revision.objects.filter(release__appliance__team__in=teams)
        .exclude(Exists(newer))
        .select_related("release__appliance__team")
        .order_by("-created_at")
    )
    failed = (
        Build.objects.newest_per_platform()
        .filter(revision__in=current.filter(state=RevisionState.FAILED).order_by().values("pk"))
        .unsuccessful()
        .select_related("revision__release__appliance__team")
    )
    active = (
        Build.objects.active()
        .filter(revision__release__appliance__team__in=teams)
        .select_related("revision__release__appliance__team")
    )
    return {
        "failing": list(failed[:NEEDS_SHOWN]),
        "waiting": list(current.filter(state=RevisionState.READY)[:NEEDS_SHOWN]),
        "active": list(active[:NEEDS_SHOWN]),
    }
