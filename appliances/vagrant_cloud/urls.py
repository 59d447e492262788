"""The addresses of Vagrant Cloud's API: the same under `/api/v1` and `/api/v2`.

Clients up to 2.3 use the first one, later ones the second, except for signing in. Our own API has other words there.
"""

from __future__ import annotations

import re

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, re_path
from django.views.decorators.csrf import csrf_exempt

from . import boxes, people, providers, searching, uploading, versions
from .answers import Refusal

BOX = "box/<str:user>/<str:name>"
VERSION = f"{BOX}/version/<str:version>"
PROVIDER = f"{VERSION}/provider/<str:provider>"
PROVIDERS = (PROVIDER, f"{PROVIDER}/<str:architecture>")
VIEWS = {
    "authenticate": people.authenticate,
    "two-factor/request-code": people.two_factor,
    "user/<str:name>": people.user,
    "organization/<str:name>": people.user,
    "search": searching.boxes,
    "boxes": boxes.many,
    BOX: boxes.one,
    f"{BOX}/versions": versions.many,
    VERSION: versions.one,
    f"{VERSION}/release": versions.released,
    f"{VERSION}/revoke": versions.revoked,
    f"{VERSION}/providers": providers.many,
    # Before what could take "upload" for an architecture.
    **{f"{each}/upload": uploading.through_us for each in PROVIDERS},
    **{f"{each}/upload/direct": uploading.direct for each in PROVIDERS},
    **dict.fromkeys(PROVIDERS, providers.one),
    "uploaded/<int:upload>": uploading.done,
}
WORDS = sorted({address.partition("/")[0] for address in VIEWS})
OURS = re.compile(rf"/api/(?:v1/(?:{'|'.join(WORDS)})|v2/(?!vagrant/)[^/]*)(?:/|\Z)")
"""Paths that are Vagrant Cloud's. Those below /api/v2/vagrant/ are the catalog's own."""


@csrf_exempt
def nothing(request: HttpRequest) -> HttpResponse:
    return Refusal(404).response()


def _patterns(version: str) -> list[URLPattern]:
    return [path(f"api/{version}/{address}", view) for address, view in VIEWS.items()]


urlpatterns = [
    *_patterns("v1"),
    *_patterns("v2"),
    path("api/v2/uploads/<int:upload>", uploading.file),
    re_path(f"^{OURS.pattern.removeprefix('/')}", nothing),
]
