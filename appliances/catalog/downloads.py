"""Files as download tools expect them: HEAD, one Range, conditions; bytes never change under an address."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import F, QuerySet
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.utils.http import content_disposition_header, parse_etags
from django.views.decorators.http import require_safe

from appliances.models import Revision
from appliances.permissions import can_maintain
from appliances.states import Visibility
from builds.models import Artifact

from . import links
from .access import challenged, keep_private, wants_json
from .instead import instead_of
from .reader import reader_of
from .shelf import is_offered, is_public, once_published

CHUNK = 256 * 1024
Send = Callable[[int, int, int, dict[str, str]], StreamingHttpResponse]
PUBLIC = "public, max-age=31536000, immutable"


class Withdrawn(Exception):  # noqa: N818 -- an answer to the visitor
    def __init__(self, revision: Revision) -> None:
        self.revision = revision


@require_safe
@challenged
def file(request: HttpRequest, team: str, appliance: str, version: str, number: int, name: str) -> HttpResponseBase:
    revision = get_object_or_404(_revisions(), **_place(team, appliance, version, number))
    artifact = (
        Artifact.objects.of_succeeded_builds().filter(build__revision=revision, name=name).exclude(file="").first()
    )
    try:
        _admit(request, revision, artifact)
    except Withdrawn:
        return gone(request, revision, name)
    except links.Ended:
        return keep_private(render(request, "catalog/bad_download_link.html", {"name": name}, status=403))
    if artifact is None:
        raise Http404("This revision has no such file.")
    if counts(request):
        Artifact.objects.filter(pk=artifact.pk).update(downloads=F("downloads") + 1)
    response = serve(request, artifact)
    return keep(response, revision)


def revision_at(request: HttpRequest, team: str, appliance: str, version: str, number: int) -> Revision:
    """One that the reader may have. Its maintainers may have it before it is published and after, too."""
    revision = get_object_or_404(_revisions(), **_place(team, appliance, version, number))
    _admit(request, revision)
    return revision


def keep(response: HttpResponseBase, revision: Revision) -> HttpResponseBase:
    """What everybody may have, everybody may keep; but not the address in a bucket, which soon expires."""
    if not is_public(revision):
        return keep_private(response)
    # A cache that kept a 416, or an address that soon expires, would break everybody's download.
    response["Cache-Control"] = PUBLIC if response.status_code in (200, 206, 304) else "private, no-store"
    return response


def gone(request: HttpRequest, revision: Revision, name: str) -> HttpResponseBase:
    """410, in the same words for people and for programs."""
    release = revision.release
    instead = instead_of(release)
    page = request.build_absolute_uri(release.appliance.get_absolute_url())
    if wants_json(request):
        words = f"{release} was withdrawn, so {name} cannot be downloaded any more."
        said = {
            "detail": words,
            "reason": release.withdrawn_reason,
            "instead": instead.version if instead else None,
            "url": f"{page}/{instead.version}" if instead else page,
        }
        response: HttpResponseBase = JsonResponse(said, status=410)
    else:
        response = render(
            request, "catalog/gone.html", {"release": release, "name": name, "instead": instead}, status=410
        )
    patch_vary_headers(response, ["Accept"])
    return response if release.appliance.visibility == Visibility.PUBLIC else keep_private(response)


def _revisions() -> QuerySet[Revision]:
    return Revision.objects.select_related("release__appliance__team")


def _place(team: str, appliance: str, version: str, number: int) -> dict[str, object]:
    return {
        "number": number,
        "release__version": version,
        "release__appliance__slug": appliance,
        "release__appliance__team__slug": team,
    }


def _admit(request: HttpRequest, revision: Revision, artifact: Artifact | None = None) -> None:
    """Returns when the reader may have it; else raises Http404 or, for what they once might have had, Withdrawn."""
    appliance, reader = revision.release.appliance, reader_of(request)
    text = request.GET.get(links.NAME, "")
    if not (reader.may_read(appliance) or (text and artifact and links.opens(text, artifact))):
        raise Http404("It is not public.")
    if is_offered(revision) or reader.may(can_maintain, appliance.team):
        return
    if once_published(revision):
        raise Withdrawn(revision)
    raise Http404("This revision is not published.")


def serve(request: HttpRequest, artifact: Artifact) -> HttpResponse | StreamingHttpResponse:
    path = default_storage.local_path(artifact.file)
    if path is None:  # a bucket: it serves ranges and conditions itself
        parameters = {"ResponseContentType": artifact.media_type}
        return HttpResponseRedirect(default_storage.url(artifact.file, filename=artifact.name, parameters=parameters))
    etag = f'"{artifact.sha256}"'
    headers = {"ETag": etag}
    if etag in (known := parse_etags(request.headers.get("If-None-Match", ""))) or known == ["*"]:
        return HttpResponse(status=304, headers=headers)
    headers["Content-Disposition"] = content_disposition_header(True, artifact.name)
    if settings.ACCEL_REDIRECT:  # nginx sends the file, and knows ranges itself
        headers["X-Accel-Redirect"] = settings.ACCEL_REDIRECT + quote(artifact.file)
        return HttpResponse(headers=headers, content_type=artifact.media_type)
    send = partial(stream, artifact, path)
    return answered_in_part(request, etag, artifact.size, headers, artifact.media_type, send)


def answered_in_part(
    request: HttpRequest, etag: str, size: int, headers: dict[str, str], media_type: str, send: Send
) -> HttpResponse | StreamingHttpResponse:
    """As much of `size` bytes as is asked for; `send` sends them, from the first to before the last."""
    headers = {**headers, "Accept-Ranges": "bytes"}
    try:
        part = wanted_range(request, etag, size)
    except ValueError:
        headers["Content-Range"] = f"bytes */{size}"
        return HttpResponse(status=416, headers=headers, content_type="text/plain")
    start, stop = part or (0, size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    status = 206 if part else 200
    if request.method == "HEAD":
        response: HttpResponse | StreamingHttpResponse = HttpResponse(
            status=status, headers=headers, content_type=media_type
        )
    else:
        response = send(start, stop, status, headers)
    response["Content-Length"] = str(stop - start)
    return response


def stream(
    artifact: Artifact, path: Path, start: int, stop: int, status: int, headers: dict[str, str]
) -> StreamingHttpResponse:
    """An open file outlives its name: a download that has begun ends whole, whatever is removed meanwhile."""
    opened = path.open("rb")  # closed with the response
    opened.seek(start)
    if stop == artifact.size:
        # FileResponse hands what is left of the file to the server's own wrapper: gunicorn uses sendfile.
        return FileResponse(
            opened,
            as_attachment=True,
            filename=artifact.name,
            status=status,
            headers=headers,
            content_type=artifact.media_type,
        )
    return StreamingHttpResponse(
        Part(opened, stop - start), status=status, headers=headers, content_type=artifact.media_type
    )


class Part:
    """The next `left` bytes of an open file, in pieces; closes it with the response, even one never begun."""

    def __init__(self, opened: BinaryIO, left: int) -> None:
        self._opened = opened
        self._left = left

    def __iter__(self) -> Iterator[bytes]:
        while self._left > 0 and (data := self._opened.read(min(CHUNK, self._left))):
            self._left -= len(data)
            yield data

    def close(self) -> None:
        self._opened.close()


def wanted_range(request: HttpRequest, etag: str, size: int) -> tuple[int, int] | None:
    """(first byte, byte after the last), or None for the whole file. ValueError when it lies outside.

    Only one range is served; several, or what is no range at all, get the whole file, as RFC 9110 allows.
    """
    condition = request.headers.get("If-Range")
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", "").replace(" ", ""))
    if not found or (condition and condition != etag) or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(0, size - int(last))
    if start >= size or (not first and not int(last)):
        raise ValueError("the range lies outside of the file")
    return start, min(int(last) + 1, size) if first and last else size


def counts(request: HttpRequest) -> bool:
    """One download is one GET from the first byte; HEAD, a resumed part or an unchanged copy is none."""
    asked = request.headers.get("Range", "").replace(" ", "")
    return request.method == "GET" and "If-None-Match" not in request.headers and not re.match(r"bytes=(?!0-)", asked)
