"""The documents and files of the libraries: to each reader what this one may have."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from pathlib import PurePath
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.views.decorators.http import require_safe

from appliances.models import Appliance, Revision, Team
from builds.engine.tar import Member
from builds.models import Artifact

from ..downloads import Withdrawn, answered_in_part, counts, keep, revision_at
from ..offers import on_offer
from ..reader import Reader, challenge, reader_of
from . import index
from .index import MEDIA_TYPE, Library
from .members import OVA, in_library, look_up, members_of

CHECKED = "no-cache"
OWN = "private, no-store"
FILE_TYPES = {".ovf": "application/xml", ".mf": "text/plain", ".cert": "text/plain"}


def answered(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Gives the view its reader. Below `private` whoever does not say who they are is asked, and credentials that are
    none are refused everywhere: a vCenter that was shown less than before would remove the rest.
    """

    @require_safe
    @wraps(view)
    def with_reader(request: HttpRequest, *args: Any, private: bool, **kwargs: Any) -> HttpResponseBase:
        reader = reader_of(request)
        somebody = reader.token is not None or reader.user.is_authenticated
        wrong = "Authorization" in request.headers and reader.token is None
        response = challenge() if wrong or (private and not somebody) else view(request, reader, *args, **kwargs)
        if somebody:
            response["Cache-Control"] = OWN
        patch_vary_headers(response, ["Authorization", "Cookie"])
        return response

    return with_reader


@answered
def lib(request: HttpRequest, reader: Reader, team: str = "") -> HttpResponseBase:
    library = library_of(team)
    return told(request, reader, library, library.describe)


@answered
def items(request: HttpRequest, reader: Reader, team: str = "") -> HttpResponseBase:
    library = library_of(team)
    return told(request, reader, library, lambda: index.items(library, in_library(shown(reader, library))))


@answered
def item(
    request: HttpRequest, reader: Reader, team: str, appliance: str, version: str, *, whole: bool = False
) -> HttpResponseBase:
    library = Library() if whole else library_of(team)
    rows = shown(reader, library).filter(
        build__revision__release__appliance__team__slug=team,
        build__revision__release__appliance__slug=appliance,
        build__revision__release__version=version,
    )
    found = in_library(rows)
    if not found:
        raise Http404("The library has no such item.")
    return told(request, reader, library, lambda: library.item(found[0]))


@answered
def file(
    request: HttpRequest, reader: Reader, team: str, appliance: str, version: str, number: int, name: str
) -> HttpResponseBase:
    """One of those inside an OVA. It can be had as long as the OVA: a copy that has begun comes to its end."""
    try:
        revision = revision_at(request, team, appliance, version, number)
    except Withdrawn as gone:
        release = gone.revision.release
        text = f"{release} was withdrawn: {release.withdrawn_reason}\n"
        return HttpResponse(text, status=410, content_type="text/plain; charset=utf-8")
    artifact, member = inside(revision, name)
    if counts(request) and member.size == max(each.size for each in members_of(artifact)):
        # Its disk: a vCenter that copies "when needed" fetches the descriptor long before.
        Artifact.objects.filter(pk=artifact.pk).update(downloads=F("downloads") + 1)
    return keep(piece(request, artifact, member), revision)


def library_of(team: str) -> Library:
    return Library(get_object_or_404(Team, slug=team) if team else None)


def shown(reader: Reader, library: Library) -> QuerySet[Artifact]:
    appliances = Appliance.objects.listed_for(reader)
    if library.team:
        appliances = appliances.filter(team=library.team)
    return on_offer().filter(build__revision__release__appliance__in=appliances)


def told(
    request: HttpRequest, reader: Reader, library: Library, describe: Callable[[], dict[str, Any]]
) -> HttpResponse:
    """What a library says changes with its edition, and with whose eyes it is read; else it need not be made at all."""
    eyes = ",".join(map(str, sorted(reader.teams().values_list("pk", flat=True))))
    etag = f'"{library.edition}-{hashlib.sha256(eyes.encode()).hexdigest()[:12]}"'
    response = get_conditional_response(request, etag=etag)
    if response is None:
        response = HttpResponse(index.written(describe()), content_type=MEDIA_TYPE)
    response["ETag"] = etag
    response["Cache-Control"] = CHECKED
    return response


def inside(revision: Revision, name: str) -> tuple[Artifact, Member]:
    """The file of this name in the revision's OVA."""
    ovas = Artifact.objects.of_succeeded_builds().filter(build__revision=revision, format=OVA).exclude(file="")
    for artifact in look_up(ovas.order_by("architecture", "pk")[:1]):
        for member in members_of(artifact):
            if member.name == name:
                return artifact, member
    raise Http404("The item has no such file.")


def piece(request: HttpRequest, artifact: Artifact, member: Member) -> HttpResponseBase:
    etag = f'"{artifact.sha256[:32]}-{member.start}"'
    unchanged = get_conditional_response(request, etag=etag)
    if unchanged is not None:
        return unchanged
    media_type = FILE_TYPES.get(PurePath(member.name).suffix, "application/octet-stream")

    def send(start: int, stop: int, status: int, headers: dict[str, str]) -> StreamingHttpResponse:
        body = default_storage.part(artifact.file, member.start + start, member.start + stop)
        return StreamingHttpResponse(body, status=status, headers=headers, content_type=media_type)

    return answered_in_part(request, etag, member.size, {"ETag": etag}, media_type, send)
