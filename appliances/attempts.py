"""How often somebody may be wrong about a password or a token: whoever guesses is made to wait."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from builds.engine.errors import SlipwayError

MOST = 20
"""Different wrong ones from one client, within WHILE. Each web process counts for itself."""
WHILE = timedelta(minutes=10)


class TooManyAttempts(SlipwayError):  # noqa: N818 -- it is an answer
    """This client has to wait."""


def client_of(request: HttpRequest) -> str:
    """Where the request came from; behind a proxy, what that says."""
    forwarded = request.headers.get("X-Forwarded-For", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    return forwarded.rpartition(",")[2].strip() or request.META.get("REMOTE_ADDR", "")


def check(request: HttpRequest) -> None:
    """Raises TooManyAttempts when this client has guessed too often."""
    if len(cache.get(_key(request), ())) >= MOST:
        raise TooManyAttempts(
            "Too many wrong passwords or tokens came from your address.",
            hint=f"Wait {WHILE.seconds // 60} minutes, then try again with the right one.",
        )


def failed(request: HttpRequest, what: str) -> None:
    """It was wrong. The same once more counts for nothing: a fleet that keeps sending an old token does not guess.

    Raises TooManyAttempts as `check()` does. Whoever asks only this, and not `check()` before, still lets in who is
    right: others behind the same address cannot lock them out.
    """
    check(request)
    key = _key(request)
    cache.set(key, cache.get(key, frozenset()) | {_digest(what)}, WHILE.total_seconds())


class Limit:
    """Middleware: what `TooManyAttempts` is answered with, outside of the API."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, TooManyAttempts):
            return None
        response = render(request, "429.html", {"area": "error", "error": error}, status=429)
        response["Retry-After"] = str(WHILE.seconds)
        response["Cache-Control"] = "private, no-store"
        return response


def _key(request: HttpRequest) -> str:
    return f"attempts:{_digest(client_of(request))}"


def _digest(text: str) -> str:
    return hashlib.sha256(f"{settings.SECRET_KEY}:{text}".encode()).hexdigest()[:16]
