"""The archive that Incus and LXD fetch with a disk: see `builds/incus.py`."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from builds import incus
from builds.models import Artifact

from . import downloads
from .offers import Document, Shop
from .shelf import folder_of

MEDIA_TYPE = "application/x-tar"


@require_safe
def metadata(request: HttpRequest, team: str, appliance: str, version: str, number: int, name: str) -> HttpResponse:
    """It is where its disk is, and whoever may have the one may have the other."""
    try:
        revision, public = downloads.find(request, team, appliance, version, number)
    except downloads.Withdrawn as gone:
        return render(request, "catalog/gone.html", {"release": gone.revision.release, "name": name}, status=410)
    rows = Artifact.objects.of_succeeded_builds().filter(build__revision=revision, name=name)
    text = rows.values_list("details__incus_metadata", flat=True).first()
    if text is None:
        raise Http404("This revision has no such disk.")
    headers = {"Cache-Control": downloads.PUBLIC if public else "private, no-store"}
    return HttpResponse(incus.archive(text), content_type=MEDIA_TYPE, headers=headers)


def documents(shop: Shop) -> Iterator[Document]:
    for artifact in shop.goods(details__incus_metadata__isnull=False):
        folder = folder_of(artifact.build.revision, artifact.build.revision.release).lstrip("/")
        path = f"{folder}/{artifact.name}{incus.SUFFIX}"
        yield Document(path, MEDIA_TYPE, incus.archive(artifact.details["incus_metadata"]))
