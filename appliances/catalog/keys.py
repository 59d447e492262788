"""The public keys of what the catalog signs."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import conditional_page, require_safe

from appliances import signing
from appliances.models import KeyKind
from appliances.signing import keys

from .offers import Document, Shop

OPENPGP = "keys/openpgp.asc"
SSH = "keys/ssh_allowed_signers"
FILES = {
    OPENPGP: (signing.openpgp_keys, "application/pgp-keys"),
    SSH: (signing.allowed_signers, "text/plain; charset=utf-8"),
}


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """For people, who compare fingerprints."""
    site = request.build_absolute_uri("/").rstrip("/")
    context = {
        "area": "catalog",
        "owner": keys.owner(),
        "keys": signing.public_keys(),
        "signing": [keys.current(kind) for kind in KeyKind],
        "gnupg": f"curl -fsS {site}/{OPENPGP} | gpg --import",
        "ssh": f"curl -fsSO {site}/{SSH}",
    }
    return render(request, "catalog/keys.html", context)


@require_safe
@conditional_page
def file(request: HttpRequest, path: str) -> HttpResponse:
    """For programs."""
    content, media_type = FILES[path]
    return HttpResponse(content(), content_type=media_type)


def documents(shop: Shop) -> Iterator[Document]:
    for path, (content, media_type) in FILES.items():
        yield Document(path, media_type, content())
