"""The page that makes such a link, for a reader who is signed in."""

from __future__ import annotations

from shlex import quote

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from builds.models import Artifact

from . import links
from .access import keep_private
from .downloads import Withdrawn, gone, revision_at
from .shelf import is_offered


@require_POST
def link(request: HttpRequest, team: str, appliance: str, version: str, number: int, name: str) -> HttpResponseBase:
    if not request.user.is_authenticated:
        raise Http404("Links are made by people.")
    try:
        revision = revision_at(request, team, appliance, version, number)
    except Withdrawn as caught:
        return gone(request, caught.revision, name)
    if not is_offered(revision):
        raise Http404("Nobody could use a link to it.")
    files = Artifact.objects.of_succeeded_builds().exclude(file="")
    artifact = get_object_or_404(files, build__revision=revision, name=name)
    artifact.build.revision = revision
    until = timezone.now() + links.USUAL
    address = request.build_absolute_uri(links.make(artifact, until, by=request.user))
    context = {
        "area": "catalog",
        "release": revision.release,
        "artifact": artifact,
        "until": until,
        "address": address,
        "command": f"curl -fL -C - -o {quote(artifact.name)} {quote(address)}",
    }
    response = keep_private(render(request, "catalog/link.html", context))
    response["Referrer-Policy"] = "no-referrer"
    return response
