"""`https://images.example.org/` as a server's address makes clients ask for `//acme/wiki`: it means one slash."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

SEVERAL = re.compile("/{2,}")


class Slashes:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Answered at once, not redirected: some clients follow no redirects, none repeats an upload.
        if "//" in request.path_info:
            request.path_info = SEVERAL.sub("/", request.path_info)
            request.path = SEVERAL.sub("/", request.path)
        return self.get_response(request)
