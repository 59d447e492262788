"""SHA256SUMS of a revision's files, and its signatures under the names that download sites give them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.http import conditional_page, require_safe

from appliances import signing
from builds.engine.errors import WorkerError
from builds.models import Artifact

from .access import challenged, keep_private
from .downloads import Withdrawn, gone, revision_at
from .offers import Document, Shop
from .shelf import folder_of, is_public
from .verifying import SUMS

TEXT = "text/plain; charset=utf-8"
SIGNATURES = {
    "asc": (signing.armored, "application/pgp-signature"),
    "gpg": (signing.armored, "application/pgp-signature"),  # where Ubuntu's tools look for it
    "sig": (signing.ssh, TEXT),
}
log = logging.getLogger(__name__)


@require_safe
@challenged
@conditional_page
def sums(
    request: HttpRequest, team: str, appliance: str, version: str, number: int, signature: str = ""
) -> HttpResponseBase:
    """The list of every file in the format of sha256sum, or a signature of it."""
    try:
        revision = revision_at(request, team, appliance, version, number)
    except Withdrawn as caught:
        return gone(request, caught.revision, SUMS)
    files = Artifact.objects.of_succeeded_builds().filter(build__revision=revision).exclude(file="").order_by("name")
    response = answer(listed(files), signature)
    return response if is_public(revision) else keep_private(response)


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
