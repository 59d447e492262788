"""Files as download tools expect them: HEAD, one Range, conditions; bytes never change under an address."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from django.conf import settings
from django.core.files.storage import default_storage
from django.db.models import F
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, render
from django.utils.http import content_disposition_header, parse_etags
from django.views.decorators.http import require_safe

from appliances.models import Revision
from appliances.permissions import can_maintain
from appliances.states import ReleaseState, RevisionState
from builds.models import Artifact

CHUNK = 256 * 1024
PUBLIC = "public, max-age=31536000, immutable"
ONCE_PUBLIC = (RevisionState.PUBLISHED, RevisionState.SUPERSEDED)


class Withdrawn(Exception):  # noqa: N818 -- an answer to the visitor
    def __init__(self, revision: Revision) -> None:
        self.revision = revision


@require_safe
def file(request: HttpRequest, team: str, appliance: str, version: str, number: int, name: str) -> HttpResponse:
    try:
        revision, public = find(request, team, appliance, version, number)
    except Withdrawn as gone:
        return render(request, "catalog/gone.html", {"release": gone.revision.release, "name": name}, status=410)
    artifact = (
        Artifact.objects.of_succeeded_builds().filter(build__revision=revision, name=name).exclude(file="").first()
    )
    if artifact is None:
        raise Http404("This revision has no such file.")
    if counts(request):
        Artifact.objects.filter(pk=artifact.pk).update(downloads=F("downloads") + 1)
    response = serve(request, artifact)
    response["Cache-Control"] = PUBLIC if public and response.status_code != 302 else "private, no-store"
    return response


def find(request: HttpRequest, team: str, appliance: str, version: str, number: int) -> tuple[Revision, bool]:
    """The revision, and whether everybody may have it. Its maintainers may have it before and after, too."""
    revision = get_object_or_404(
        Revision.objects.select_related("release__appliance__team"),
        number=number,
        release__version=version,
        release__appliance__slug=appliance,
        release__appliance__team__slug=team,
    )
    withdrawn = revision.release.state == ReleaseState.WITHDRAWN
    # A revision that was ready but never published becomes superseded, too: it stays the team's own.
    shown = revision.state in ONCE_PUBLIC and revision.published_at is not None
    if shown and not withdrawn:
        return revision, True
    if can_maintain(request.user, revision.release.appliance.team):
        return revision, False
    if shown:
        raise Withdrawn(revision)
    raise Http404("This revision is not published.")


def serve(request: HttpRequest, artifact: Artifact) -> HttpResponse | StreamingHttpResponse:
    path = default_storage.local_path(artifact.file)
    if path is None:  # a bucket: it serves ranges and conditions itself
        parameters = {"ResponseContentType": artifact.media_type}
        return HttpResponseRedirect(default_storage.url(artifact.file, filename=artifact.name, parameters=parameters))
    etag = f'"{artifact.sha256}"'
    headers = {"ETag": etag, "Accept-Ranges": "bytes"}
    if etag in (known := parse_etags(request.headers.get("If-None-Match", ""))) or known == ["*"]:
        return HttpResponse(status=304, headers=headers)
    headers["Content-Disposition"] = content_disposition_header(True, artifact.name)
    if settings.ACCEL_REDIRECT:  # nginx sends the file, and knows ranges itself
        headers["X-Accel-Redirect"] = settings.ACCEL_REDIRECT + quote(artifact.file)
        return HttpResponse(headers=headers, content_type=artifact.media_type)
    try:
        part = wanted_range(request, etag, artifact.size)
    except ValueError:
        headers["Content-Range"] = f"bytes */{artifact.size}"
        return HttpResponse(status=416, headers=headers, content_type="text/plain")
    start, stop = part or (0, artifact.size)
    if part:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{artifact.size}"
    status = 206 if part else 200
    if request.method == "HEAD":
        response: HttpResponse | StreamingHttpResponse = HttpResponse(
            status=status, headers=headers, content_type=artifact.media_type
        )
    else:
        response = stream(artifact, path, start, stop, status, headers)
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
