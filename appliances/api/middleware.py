"""The edges of the API, which no operation sees: what it speaks, and errors that Django itself answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from appliances.vagrant_cloud.middleware import speaks

from .problems import MEDIA_TYPE, Refusal, of_status

ROOT = "/api/v1/"
FILES_OUT = {"download"}
"""Operations that answer with a file, whatever `Accept` says."""
FILES_IN = {"upload_archive", "upload_box"}
"""Operations that take a file, whatever `Content-Type` says."""


class Edges:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not _is_ours(request):
            return self.get_response(request)
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return Refusal("malformed", "An address holds no NUL character.").response()
        response = self.get_response(request)
        if response.status_code >= 400 and response.get("Content-Type") != MEDIA_TYPE:
            allowed = response.get("Allow")
            response = of_status(response.status_code).response()
            if allowed:
                response["Allow"] = allowed
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        if not _is_ours(request):
            return None
        name = request.resolver_match.url_name
        if name not in FILES_OUT and not _accepts_json(request):
            return of_status(406).response()
        if name not in FILES_IN and _has_body(request) and request.content_type != "application/json":
            return Refusal(
                "media-type", f"The body is {request.content_type or 'of no kind'}.", hint="Send JSON."
            ).response()
        return None


def _is_ours(request: HttpRequest) -> bool:
    """Some addresses there are Vagrant Cloud's, which answers its own errors."""
    return request.path_info.startswith(ROOT) and not speaks(request)


def _accepts_json(request: HttpRequest) -> bool:
    try:
        return request.accepts("application/json") or request.accepts(MEDIA_TYPE)
    except ValueError:  # it is no list of media types
        return False


def _has_body(request: HttpRequest) -> bool:
    if request.method not in ("POST", "PUT", "PATCH"):
        return False
    return request.headers.get("Content-Length", "") not in ("", "0") or "Transfer-Encoding" in request.headers
