"""SHA256SUMS of a revision's files, and its signatures under the names that download sites give them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import conditional_page, require_safe

from appliances import signing
from builds.engine.errors import WorkerError
from builds.models import Artifact

from .downloads import Withdrawn, find
from .offers import Document, Shop
from .shelf import folder_of
from .verifying import SUMS

TEXT = "text/plain; charset=utf-8"
SIGNATURES = {
    "asc": (signing.armored, "application/pgp-signature"),
    "gpg": (signing.armored, "application/pgp-signature"),  # where Ubuntu's tools look for it
    "sig": (signing.ssh, TEXT),
}
log = logging.getLogger(__name__)


@require_safe
@conditional_page
def sums(
    request: HttpRequest, team: str, appliance: str, version: str, number: int, signature: str = ""
) -> HttpResponse:
    """The list of every file in the format of sha256sum, or a signature of it."""
    try:
        revision, public = find(request, team, appliance, version, number)
    except Withdrawn as gone:
        return render(request, "catalog/gone.html", {"release": gone.revision.release, "name": SUMS}, status=410)
    files = Artifact.objects.of_succeeded_builds().filter(build__revision=revision).exclude(file="").order_by("name")
    response = answer(listed(files), signature)
    if not public:
        response["Cache-Control"] = "private, no-store"
    return response


def answer(lines: bytes, signature: str) -> HttpResponse:
    if not signature:
        return HttpResponse(lines, content_type=TEXT)
    sign, media_type = SIGNATURES[signature]
    try:
        return HttpResponse(sign(lines), content_type=media_type)
    except WorkerError:  # whom it may concern is not the visitor
        log.exception("%s cannot be signed", SUMS)
        return HttpResponse("This site cannot sign anything at the moment.\n", content_type=TEXT, status=503)


def documents(shop: Shop) -> Iterator[Document]:
    """For each published revision that has files."""
    files = shop.artifacts().exclude(file="").order_by("build__revision", "name")
    for revision, of_revision in groupby(files, key=lambda each: each.build.revision):
        path = f"{folder_of(revision, revision.release).removeprefix('/')}/{SUMS}"
        lines = listed(of_revision)
        yield Document(path, TEXT, lines)
        for suffix, (sign, media_type) in SIGNATURES.items():
            yield Document(f"{path}.{suffix}", media_type, sign(lines))


def listed(files: Iterable[Artifact]) -> bytes:
    return "".join(f"{each.sha256}  {each.name}\n" for each in files).encode()
