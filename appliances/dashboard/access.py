"""Finding what a page is about: 404 for who may not know of it, 403 for who may see but not do."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404

from appliances.models import Appliance, Release, Team
from appliances.permissions import can_view
from builds.models import Build

Rule = Callable[..., bool]


def team_for(request: HttpRequest, team: str, needs: Rule = can_view) -> Team:
    return _allowed(request, get_object_or_404(Team, slug=team), needs)


def appliance_for(request: HttpRequest, team: str, appliance: str, needs: Rule = can_view) -> Appliance:
    found = get_object_or_404(Appliance.objects.select_related("team"), team__slug=team, slug=appliance)
    _allowed(request, found.team, needs)
    return found


def release_for(request: HttpRequest, team: str, appliance: str, version: str, needs: Rule = can_view) -> Release:
    found = get_object_or_404(
        Release.objects.select_related("appliance__team"),
        version=version,
        appliance__slug=appliance,
        appliance__team__slug=team,
    )
    _allowed(request, found.appliance.team, needs)
    return found


def build_for(request: HttpRequest, number: int, needs: Rule = can_view) -> Build:
    found = get_object_or_404(
        Build.objects.select_related("revision__release__appliance__team", "requested_by"), pk=number
    )
    _allowed(request, found.revision.release.appliance.team, needs)
    return found


def _allowed(request: HttpRequest, team: Team, needs: Rule) -> Team:
    if not can_view(request.user, team):
        raise Http404
    if needs is not can_view and not needs(request.user, team):
        raise PermissionDenied
    return team
