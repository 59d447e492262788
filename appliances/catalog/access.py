"""Finding what an address of the catalog is about: 404 for what is not there, and for what this reader may not know of.

Both are the same to them, to the letter.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_vary_headers

from appliances.models import Appliance, Release

from .reader import ANYBODY, challenge, reader_of

View = Callable[..., HttpResponseBase]


def appliance_for(request: HttpRequest, team: str, appliance: str) -> Appliance:
    rows = Appliance.objects.readable_by(reader_of(request)).select_related("team")
    return get_object_or_404(rows, team__slug=team, slug=appliance)


def published_for(request: HttpRequest, team: str, appliance: str) -> Appliance:
    """One that has something to offer."""
    rows = Appliance.objects.published().readable_by(reader_of(request)).select_related("team")
    return get_object_or_404(rows, team__slug=team, slug=appliance)


def release_for(request: HttpRequest, team: str, appliance: str, version: str) -> Release:
    """One that has a page: published, or withdrawn."""
    found = appliance_for(request, team, appliance)
    release = get_object_or_404(found.releases.visible(), version=version)
    release.appliance = found
    return release


def keep_private(response: HttpResponseBase) -> HttpResponseBase:
    """Nobody but the one who asked may have this answer: no cache, no search engine."""
    patch_vary_headers(response, ["Authorization", "Cookie"])
    response["Cache-Control"] = "private, no-store"
    response["X-Robots-Tag"] = "noindex"
    return response


def challenged(view: View) -> View:
    """For files, which programs ask for that send no password before they are asked for one.

    Whoever is nobody gets 401 instead of 404, unless the appliance is one that everybody can see: a wrong name of a
    file is not worth a password. Browsers get the page 404, which leads to signing in.
    """

    @wraps(view)
    def ask(request: HttpRequest, *args: Any, **place: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **place)
        except Http404:
            if wants_html(request) or not reader_of(request).is_anybody or _is_known(**place):
                raise
            return challenge()

    return ask


def wants_html(request: HttpRequest) -> bool:
    """A browser says so; curl, wget and vCenter take anything."""
    return "text/html" in request.headers.get("Accept", "")


def wants_json(request: HttpRequest) -> bool:
    return not wants_html(request) and "json" in request.headers.get("Accept", "")


def _is_known(team: str, appliance: str = "", **_: Any) -> bool:
    rows = Appliance.objects.readable_by(ANYBODY).filter(releases__in=Release.objects.visible())
    return rows.filter(team__slug=team, slug=appliance).exists()
