"""Turns what is raised below an operation into its answer. One line for each kind of exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.core.exceptions import ValidationError as InvalidRow
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from builds.engine.boxes import BoxError
from builds.engine.errors import SlipwayError, SourceError, TemplateError
from builds.moves import Lost

from .problems import Flaw, Refusal, invalid, of_form, of_template

PARTS = ("body", "query", "path", "header", "form", "file")


def _validation(error: ValidationError) -> Refusal:
    """The first part of a place says where it was sent; in a body the second is the argument's name."""
    flaws = []
    for each in error.errors:
        place = [str(part) for part in each["loc"]]
        place = place[2:] if place[0] == "body" else place[1:]
        flaws.append(Flaw(path=".".join(place), message=each["msg"]))
    return invalid(*flaws)


def _template(error: TemplateError) -> Refusal:
    count = len(error.problems)
    detail = f"The template has {count} problem{'s' if count != 1 else ''}."
    return Refusal("template", detail, hint="Mend them, then build again.", problems=of_template(error.problems))


def _model(error: InvalidRow) -> Refusal:
    return of_form(error.message_dict if hasattr(error, "error_dict") else {"__all__": error.messages})


def _box(error: BoxError) -> Refusal:
    flaws = [Flaw(path=flaw.where, message=f"{flaw.what} {flaw.hint}") for flaw in error.flaws]
    detail = error.message.partition("\n")[0].rstrip(":") + "."
    return Refusal("invalid", detail, hint=error.hint, problems=flaws)


HANDLERS: dict[type[Exception], Callable[[Any], Refusal]] = {
    Refusal: lambda error: error,
    ValidationError: _validation,
    TemplateError: _template,
    InvalidRow: _model,
    BoxError: _box,
    SourceError: lambda error: Refusal("refused", error.message, hint=error.hint),
    SlipwayError: lambda error: Refusal("refused", error.message, hint=error.hint),
    Lost: lambda error: Refusal("refused", "Somebody else changed it at the same moment.", hint="Look, and try again."),
    IntegrityError: lambda error: Refusal("refused", "Somebody else made it at the same moment.", hint="Look again."),
    PermissionDenied: lambda error: Refusal(
        "forbidden", str(error) or "Your role in the team does not allow this.", hint="An owner of the team can do it."
    ),
    Http404: lambda error: Refusal("not-found", "There is no such thing, or you may not know of it."),
    AuthenticationError: lambda error: Refusal(
        "no-token",
        "The request carries no valid token.",
        hint="Send `Authorization: Bearer slipway_…`; make a token on the page Tokens.",
        headers={"WWW-Authenticate": 'Bearer realm="slipway"'},
    ),
    HttpError: lambda error: Refusal(
        "malformed", "The body is no JSON in UTF-8, or holds a NUL character.", hint="Send one JSON object."
    ),
    RequestDataTooBig: lambda error: Refusal("too-large", "The body is too large.", hint="Upload files as an archive."),
    UnreadablePostError: lambda error: Refusal("malformed", "The body ended too early."),
}


def install(api: NinjaAPI) -> None:
    for kind, refusal in HANDLERS.items():
        api.add_exception_handler(kind, _handler(refusal))


def _handler(refusal: Callable[[Any], Refusal]) -> Callable[[HttpRequest, Any], HttpResponse]:
    return lambda request, error: refusal(error).response()
