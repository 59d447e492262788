"""The document as clients ask for it. See docs/vagrant.md for what the different versions of Vagrant send."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Callable
from functools import partial

from django.core.cache import caches
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from appliances.models import Appliance
from appliances.states import Visibility

from ..access import keep_private
from ..reader import reader_of
from . import boxes
from .document import MEDIA_TYPE, body

FORM = 1
"""Counts the changes of what our code makes of the same rows."""
READS_GZIP = re.compile(r"\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))")


@require_safe
def box(request: HttpRequest, team: str, appliance: str, *, prereleases: bool = False) -> HttpResponse:
    """The address that `vagrant init team/appliance` derives from VAGRANT_SERVER_URL, or metadata.json."""
    rows = Appliance.objects.select_related("team").only("slug", "summary", "visibility", "edition", "team__slug")
    try:
        found = rows.get(team__slug=team, slug=appliance)
    except Appliance.DoesNotExist:
        return missing()
    if not reader_of(request).may_read(found):
        return missing()
    return metadata_of(found, request, prereleases=prereleases or request.GET.get("prereleases") == "1")


def metadata_of(appliance: Appliance, request: HttpRequest, *, prereleases: bool = False) -> HttpResponse:
    """Of an appliance that this reader may have. A client that has the document already costs nothing more."""
    site = request.build_absolute_uri("/").rstrip("/")
    made_of = f"{FORM} {appliance.pk} {appliance} {appliance.edition} {site} {prereleases}"
    name = hashlib.sha256(made_of.encode()).hexdigest()[:32]
    response = get_conditional_response(request, f'W/"{name}"')
    if response is None:
        zipped = bool(READS_GZIP.search(request.headers.get("Accept-Encoding", "")))
        plain = partial(kept, name, partial(made, appliance, site, prereleases=prereleases))
        whole = kept(f"{name}.gz", lambda: zip_up(plain())) if zipped else plain()
        if not whole:
            return missing()
        response = HttpResponse(b"" if request.method == "HEAD" else whole, content_type=MEDIA_TYPE)
        response["Content-Length"] = str(len(whole))
        if zipped:
            response["Content-Encoding"] = "gzip"
    response["ETag"] = f'W/"{name}"'
    response["Cache-Control"] = "no-cache"  # keep it, but ask: a version may be withdrawn at any time
    patch_vary_headers(response, ["Accept", "Accept-Encoding"])
    return response if appliance.visibility == Visibility.PUBLIC else keep_private(response)


def kept(name: str, make: Callable[[], bytes]) -> bytes:
    """Made once for every change of what the catalog shows, and for every name by which the site is reached."""
    return caches["documents"].get_or_set(name, make)


def made(appliance: Appliance, site: str, *, prereleases: bool) -> bytes:
    """Nothing when the appliance has no box."""
    versions = boxes.of(appliance)
    if not prereleases:
        versions = versions.without_prereleases()
    return body(appliance, versions, site) if versions else b""


def zip_up(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0) if text else b""


def missing() -> HttpResponse:
    """The same for what there is not and what this reader may not know of."""
    text = "There is no such box here, or you need a token to see it."
    response = JsonResponse({"errors": [text]}, status=404)
    response["Cache-Control"] = "private, no-store"
    patch_vary_headers(response, ["Accept", "Authorization", "Cookie"])
    return response
