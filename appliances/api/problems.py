"""Every answer that is an error, in the form of RFC 9457: what happened, where, and the next thing to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from pydantic import BaseModel, Field

from builds.engine.errors import Problem as TemplateProblem

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    status: int
    title: str
    meaning: str


KINDS = {
    "malformed": Kind(400, "The request cannot be read", "What was sent is no HTTP or JSON that can be understood."),
    "no-token": Kind(401, "No valid token", "The token is missing, unknown, expired or revoked."),
    "forbidden": Kind(403, "Not allowed", "The token's scopes, or its owner's role in the team, do not allow it."),
    "not-found": Kind(404, "Not found", "It is not there, or the token's owner may not know of it."),
    "method": Kind(405, "No such method here", "The address exists; the header `Allow` names its methods."),
    "not-acceptable": Kind(406, "Only JSON is spoken here", "The header `Accept` allows no `application/json`."),
    "refused": Kind(
        409, "It cannot be done now", "Something is in a state that does not allow it; `hint` says what to do."
    ),
    "in-progress": Kind(
        409, "Still at work", "The first request with this `Idempotency-Key` has not ended: ask again."
    ),
    "withdrawn": Kind(410, "Withdrawn", "Its team took it back: `detail` says why, `hint` what to use instead."),
    "stale": Kind(412, "Changed meanwhile", "The header `If-Match` names a version that is no longer the newest."),
    "too-large": Kind(413, "Too large", "The body is larger than this address takes."),
    "media-type": Kind(415, "Unknown kind of body", "The body is not `application/json`."),
    "range": Kind(416, "No such range", "The header `Range` lies outside of the file."),
    "invalid": Kind(422, "Something in the request is wrong", "`problems` names each value that is wrong, and why."),
    "template": Kind(422, "The template has problems", "`problems` names all of them, with path and line."),
    "key-reused": Kind(422, "Key of another request", "The `Idempotency-Key` was used with another request before."),
    "too-many-attempts": Kind(429, "Too many wrong tokens", "Many different wrong tokens came from this address."),
    "internal": Kind(500, "An error of Slipway itself", "It is in the log of the server. Nothing is known to be done."),
}
BY_STATUS = {kind.status: name for name, kind in reversed(KINDS.items())}


class Flaw(BaseModel):
    """One thing that is wrong."""

    path: str = Field(description="Where: dotted, from the body's or the template's top.", examples=["platforms.qemu"])
    message: str = Field(description="What is wrong with it.")
    line: int | None = Field(None, description="In the template, counted from 1.")
    template: str = Field("", description="Which one it is wrong in, when that is one that the template extends.")


class Problem(BaseModel):
    """An error."""

    type: str = Field(description="Which kind of error, for programs.", examples=["/api/#problem-refused"])
    title: str = Field(description="The same in words; it does not change.")
    status: int = Field(description="The HTTP status.", examples=[409])
    detail: str = Field(description="What happened this time.")
    hint: str = Field("", description="The next thing to do.")
    problems: list[Flaw] = Field(default_factory=list, description="Everything that is wrong, not only the first.")


class Refusal(Exception):  # noqa: N818 -- it is an answer
    """Raised anywhere below an operation: becomes the answer."""

    def __init__(
        self,
        kind: str,
        detail: str,
        *,
        hint: str = "",
        problems: Iterable[Flaw] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind = kind
        self.detail = detail
        self.hint = hint
        self.problems = list(problems)
        self.headers = headers or {}

    def response(self) -> HttpResponse:
        kind = KINDS[self.kind]
        problem = Problem(
            type=f"/api/#problem-{self.kind}",
            title=kind.title,
            status=kind.status,
            detail=self.detail,
            hint=self.hint,
            problems=self.problems,
        )
        body = json.dumps(problem.model_dump())
        return HttpResponse(body, status=kind.status, content_type=MEDIA_TYPE, headers=dict(self.headers))


def of_status(status: int) -> Refusal:
    """For what Django itself has refused."""
    name = BY_STATUS.get(status, "internal" if status >= 500 else "malformed")
    return Refusal(name, KINDS[name].meaning)


def invalid(*flaws: Flaw) -> Refusal:
    count = len(flaws)
    return Refusal("invalid", f"{count} value{' is' if count == 1 else 's are'} wrong.", problems=flaws)


def of_form(errors: Mapping[str, Any]) -> Refusal:
    """What a form of the pages says, field by field."""
    found = []
    for name, messages in errors.items():
        texts = ValidationError(messages).messages if not isinstance(messages, list) else messages
        found += [Flaw(path="" if name == "__all__" else name, message=str(text)) for text in texts]
    return invalid(*found)


def of_template(problems: Iterable[TemplateProblem]) -> list[Flaw]:
    names = Flaw.model_fields
    return [Flaw(**{name: getattr(each, name) for name in names}) for each in problems]
