"""The public pages: the list, an appliance, one of its versions."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from appliances.gems import Version
from appliances.models import Appliance, Release, Team
from appliances.permissions import can_maintain, can_view
from appliances.states import ReleaseState, Visibility

from . import bringing, listing, vagrant
from .access import appliance_for, keep_private, release_for, wants_json
from .instead import instead_of
from .reader import reader_of
from .shelf import Shelf, shown_of

VERSIONS_SHOWN = 12


def site_of(request: HttpRequest) -> str:
    """This site as the visitor reached it: addresses that they copy must work for them."""
    return request.build_absolute_uri("/").rstrip("/")


@require_safe
def home(request: HttpRequest) -> HttpResponseBase:
    choice, reader = listing.Choice.of(request.GET), reader_of(request)
    page, cards = listing.page(choice, request.GET.get("page", "1"), reader)
    context = {"area": "catalog", "choice": choice, "page": page, "cards": cards, **listing.facets(reader)}
    response = render(request, "catalog/home.html", context)
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return response if reader.is_anybody else keep_private(response)


@require_safe
def team(request: HttpRequest, team: str) -> HttpResponse:
    get_object_or_404(Team, slug=team)
    return redirect(f"/?team={team}")


@require_safe
def appliance(request: HttpRequest, team: str, appliance: str) -> HttpResponseBase:
    """The version that everybody should take; the same address answers Vagrant, which asks for JSON."""
    if wants_json(request):
        return vagrant.box(request, team, appliance)
    found = appliance_for(request, team, appliance)
    release = shown_of(found)
    if release is None:
        if can_view(request.user, found.team):
            return redirect("appliance", team, appliance)
        raise Http404
    release.appliance = found
    response = show(request, release)
    patch_vary_headers(response, ["Accept"])
    return response


@require_safe
def version(request: HttpRequest, team: str, appliance: str, version: str) -> HttpResponseBase:
    return show(request, release_for(request, team, appliance, version), single=True)


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


def commands(site: str, shelf: Shelf | None) -> dict[str, str]:
    """For what can be had only with a token."""
    boxes = shelf and any(way.family.key == "vagrant" for way in shelf.ways)
    return {
        "take_token": bringing.TAKE,
        "vagrant_exports": bringing.vagrant(site) if boxes else "",
        "netrc": bringing.netrc(site),
    }


def newer(versions: list[Release], than: Release) -> list[Release]:
    """The published ones with a higher version, highest first."""
    floor = Version(than.version)
    found = [each for each in versions if each.state == ReleaseState.PUBLISHED and Version(each.version) > floor]
    return sorted(found, key=lambda each: Version(each.version), reverse=True)


def show(request: HttpRequest, release: Release, *, single: bool = False) -> HttpResponseBase:
    """`usual` is the version that everybody should take, and the appliance's own page shows."""
    appliance, reader = release.appliance, reader_of(request)
    usual = release if not single else shown_of(appliance)
    versions = list(
        appliance.releases.visible()
        .order_by("-published_at", "-pk")
        .only("appliance", "version", "state", "published_at")
    )
    channels = channels_of(appliance)
    shelf = Shelf.of(release, site_of(request), next(iter(channels.get(release.pk, ())), ""))
    ahead = newer(versions, usual) if usual else []
    context = {
        "area": "catalog",
        "appliance": appliance,
        "release": release,
        "single": single,
        "usual": usual if usual and usual.state == ReleaseState.PUBLISHED else None,
        "ahead": ahead,
        "is_ahead": release in ahead,
        "instead": instead_of(release) if release.state == ReleaseState.WITHDRAWN else None,
        "shelf": shelf,
        "chosen": chosen(request, shelf),
        "versions": versions,
        "channels": channels,
        "versions_shown": VERSIONS_SHOWN,
        "may_maintain": reader.may(can_maintain, appliance.team),
        **(commands(site_of(request), shelf) if appliance.visibility == Visibility.TEAM else {}),
    }
    response = render(request, "catalog/appliance.html", context)
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return response if appliance.visibility == Visibility.PUBLIC else keep_private(response)
