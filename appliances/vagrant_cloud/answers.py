"""The form of every answer that is an error: `{"errors": ["..."], "success": false}`, whose sentences clients show."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, ValidationError
from django.db import IntegrityError
from django.http import Http404, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError

from appliances.attempts import WHILE, TooManyAttempts
from builds.engine.boxes.errors import BoxError
from builds.engine.errors import SlipwayError, WorkerError
from builds.moves import Lost

MEANINGS = {
    400: "What was sent is no HTTP or JSON that can be understood.",
    401: "Send a token: `Authorization: Bearer slipway_…`. People make theirs on the page Tokens.",
    403: "Your token's scopes, or its owner's role in the team, do not allow this.",
    404: "There is no such thing, or you may not know of it.",
    405: "This address does not take this method.",
    413: "The body is too large.",
    500: "An error of Slipway itself: it is in the log of the server.",
}


class Refusal(Exception):  # noqa: N818 -- it is an answer
    """Raised anywhere below a call: becomes the answer."""

    def __init__(self, status: int, *errors: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(*errors)
        self.status = status
        self.errors = errors or (MEANINGS.get(status) or MEANINGS[500 if status >= 500 else 400],)
        self.headers = dict(headers or {})
        if status == 401:
            self.headers["WWW-Authenticate"] = 'Bearer realm="slipway"'

    def response(self) -> JsonResponse:
        return JsonResponse({"errors": self.errors, "success": False}, status=self.status, headers=self.headers)


def of_form(errors: Mapping[str, Any], called: Mapping[str, str]) -> Refusal:
    """What a form of the pages says of each field. `called`: what clients call it, where that is another word."""
    return Refusal(422, *(f"{called.get(name, name)}: {text}" for name, texts in errors.items() for text in texts))


def explained(error: SlipwayError) -> str:
    return f"{error.message} {error.hint}".strip()


REFUSALS: dict[type[Exception], Callable[[Any], Refusal]] = {
    Refusal: lambda error: error,
    TooManyAttempts: lambda error: Refusal(429, explained(error), headers={"Retry-After": str(WHILE.seconds)}),
    WorkerError: lambda error: Refusal(503, explained(error)),
    BoxError: lambda error: Refusal(422, *map(str, error.flaws)),
    SlipwayError: lambda error: Refusal(409, explained(error)),
    ValidationError: lambda error: of_form(error.message_dict, {"provider": "name", "default": "default_architecture"}),
    Lost: lambda error: Refusal(409, "Somebody else changed it at the same moment. Look, and try again."),
    IntegrityError: lambda error: Refusal(409, "Somebody else made it at the same moment. Look again."),
    PermissionDenied: lambda error: Refusal(403, *error.args),
    Http404: lambda error: Refusal(404),
    RequestDataTooBig: lambda error: Refusal(413),
    UnreadablePostError: lambda error: Refusal(400, "The body ended too early."),
}
"""Of several that fit the first holds."""


def refused(error: Exception) -> HttpResponse:
    """The answer to one of the above."""
    return next(refusal(error) for kind, refusal in REFUSALS.items() if isinstance(error, kind)).response()
