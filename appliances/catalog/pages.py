"""The public pages: the list, an appliance, one of its versions."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from appliances.models import Appliance, Release, Team
from appliances.permissions import can_maintain, can_view
from appliances.states import ReleaseState

from . import listing, vagrant
from .shelf import Shelf, newest_of

VERSIONS_SHOWN = 12


def site_of(request: HttpRequest) -> str:
    """This site as the visitor reached it: addresses that they copy must work for them."""
    return request.build_absolute_uri("/").rstrip("/")


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    choice = listing.Choice.of(request.GET)
    page, cards = listing.page(choice, request.GET.get("page", "1"))
    context = {"area": "catalog", "choice": choice, "page": page, "cards": cards, **listing.facets()}
    return render(request, "catalog/home.html", context)


@require_safe
def team(request: HttpRequest, team: str) -> HttpResponse:
    get_object_or_404(Team, slug=team)
    return redirect(f"/?team={team}")


@require_safe
def appliance(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    """The newest version; the same address answers Vagrant, which asks for JSON."""
    if vagrant.wanted(request):
        return vagrant.box(request, team, appliance)
    found = get_object_or_404(Appliance.objects.select_related("team"), team__slug=team, slug=appliance)
    release = newest_of(found)
    if release is None:
        if can_view(request.user, found.team):
            return redirect("appliance", team, appliance)
        raise Http404
    release.appliance = found
    response = show(request, release)
    patch_vary_headers(response, ["Accept"])
    return response


@require_safe
def version(request: HttpRequest, team: str, appliance: str, version: str) -> HttpResponse:
    release = get_object_or_404(
        Release.objects.visible().select_related("appliance__team"),
        appliance__team__slug=team,
        appliance__slug=appliance,
        version=version,
    )
    return show(request, release, single=True)


def chosen(request: HttpRequest, shelf: Shelf | None) -> str:
    """The tab that the address asks for, such as ?for=aws; empty when it asks for none that is there."""
    wanted = request.GET.get("for", "")
    return wanted if shelf and any(way.family.key == wanted for way in shelf.ways) else ""


def channels_of(appliance: Appliance) -> dict[int, list[str]]:
    """The channels that point to each release, by its id."""
    found: dict[int, list[str]] = {}
    for channel in appliance.channels.filter(release__isnull=False):
        found.setdefault(channel.release_id, []).append(channel.name)
    return found


def show(request: HttpRequest, release: Release, *, single: bool = False) -> HttpResponse:
    appliance = release.appliance
    newest = release if not single else newest_of(appliance)
    versions = (
        appliance.releases.visible()
        .order_by("-published_at", "-pk")
        .only("appliance", "version", "state", "published_at")
    )
    shelf = Shelf.of(release, site_of(request))
    context = {
        "area": "catalog",
        "appliance": appliance,
        "release": release,
        "single": single,
        "newest": newest if newest and newest.state == ReleaseState.PUBLISHED else None,
        "shelf": shelf,
        "chosen": chosen(request, shelf),
        "versions": versions,
        "channels": channels_of(appliance),
        "versions_shown": VERSIONS_SHOWN,
        "may_maintain": can_maintain(request.user, appliance.team),
    }
    return render(request, "catalog/appliance.html", context)
