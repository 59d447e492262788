"""How every index is answered: to whom, how long it is good, and that nothing is sent twice."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags

from appliances import signing
from appliances.models import Appliance, KeyKind
from appliances.states import Visibility

from .offers import Document, Shop
from .pages import site_of
from .reader import reader_of

FORM = 1
"""Raise it when what is written in any index changes: clients take an answer with the same ETag for the same text."""


def listed(request: HttpRequest) -> Shop:
    """What this reader is shown unasked."""
    return Shop(site_of(request), Appliance.objects.published().listed_for(reader_of(request)))


def with_key(edition: int) -> str:
    """For what is signed: another key makes another text."""
    return f"{edition}.{signing.keys.current(KeyKind.OPENPGP).number}"


def readable(request: HttpRequest, team: str, appliance: str) -> tuple[Appliance, Shop]:
    """One that this reader may have when they know its address."""
    rows = Appliance.objects.published().readable_by(reader_of(request)).select_related("team")
    found = get_object_or_404(rows, team__slug=team, slug=appliance)
    return found, Shop(site_of(request), Appliance.objects.filter(pk=found.pk))


def answer(request: HttpRequest, edition: int | str, make: Callable[[], Document | None]) -> HttpResponse:
    """A list. Anybody's may be kept, but is asked for again each time: what is withdrawn vanishes at once.

    `edition` is what the catalog, or a team's part of it, had reached before anything else was read.
    """
    return _answer(request, edition, make, public=reader_of(request).is_anybody)


def answer_about(
    request: HttpRequest, appliance: Appliance, edition: int | str, make: Callable[[], Document | None]
) -> HttpResponse:
    """About one appliance, which says the same to everybody who may read it."""
    return _answer(request, edition, make, public=appliance.visibility == Visibility.PUBLIC)


def _answer(
    request: HttpRequest, edition: int | str, make: Callable[[], Document | None], *, public: bool
) -> HttpResponse:
    etag = f'W/"{FORM}.{edition}"'
    if public:
        headers = {"ETag": etag, "Cache-Control": "public, no-cache", "Access-Control-Allow-Origin": "*"}
        known = parse_etags(request.headers.get("If-None-Match", ""))
    else:
        headers = {"Cache-Control": "private, no-store", "X-Robots-Tag": "noindex"}
        known = []
    if etag in known or known == ["*"]:
        response = HttpResponse(status=304, headers=headers)
    else:
        document = make()
        if document is None:
            raise Http404("The catalog has nothing here.")
        response = HttpResponse(document.body, headers=headers, content_type=document.media_type)
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return response
