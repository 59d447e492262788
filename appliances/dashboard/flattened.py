"""What a release's template comes to: with what it extends, and with its values, before anything is built."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from appliances.models import SourceKind
from appliances.reading import place
from builds import outline

from .access import release_for
from .values import posted


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def flattened(request: HttpRequest, team: str, appliance: str, version: str) -> HttpResponse:
    """Of what is saved; a POST from the editor asks about what is written there, and saves nothing."""
    release = release_for(request, team, appliance, version)
    text, given, source = release.template, release.values, release.source_kind
    if "template" in request.POST:
        text = request.POST["template"].replace("\r\n", "\n")
        given, source = posted(request.POST), request.POST.get("source_kind", source)
    read = outline.read(text, place(release.appliance, given), inline=source == SourceKind.INLINE)
    context = {
        "area": "dashboard",
        "appliance": release.appliance,
        "release": release,
        "unsaved": (text, given) != (release.template, release.values),
        "problems": read.problems,
        "lineage": read.template.lineage if read.template else (),
        "settings": read.settings,
        "lines": read.lines,
    }
    return render(request, "dashboard/flattened.html", context)
