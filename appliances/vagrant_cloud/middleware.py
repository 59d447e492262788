"""The edges of the API, which no call sees: errors that Django itself answers take its form."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from .answers import Refusal
from .urls import OURS


def speaks(request: HttpRequest) -> bool:
    """Is this address one of Vagrant Cloud's?"""
    return OURS.match(request.path_info) is not None


class Edges:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not speaks(request):
            return self.get_response(request)
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return Refusal(400, "An address holds no NUL character.").response()
        response = self.get_response(request)
        if response.status_code >= 400 and response.get("Content-Type") != "application/json":
            response = Refusal(response.status_code).response()
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response
