"""The addresses at which forges tell of pushes. A call is only a hint: what is new, the repository itself is asked.

Nothing of a body is read before its signature was found to be right.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from builds.engine.errors import WorkerError

from . import following
from .forges.base import Event
from .models import Push, Repository

logger = logging.getLogger(__name__)

LIMIT = 8 * 2**20  # bytes: forges list every commit of a push


class Refusal(Exception):  # noqa: N818 -- it is an answer
    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@csrf_exempt
@require_POST
def hook(request: HttpRequest, hook: str) -> HttpResponse:
    try:
        return HttpResponse(f"{answer(request, hook)}\n", status=HTTPStatus.ACCEPTED, content_type="text/plain")
    except Refusal as refusal:
        problem = {"title": refusal.status.phrase, "status": refusal.status, "detail": refusal.detail}
        return JsonResponse(problem, status=refusal.status, content_type="application/problem+json")


def answer(request: HttpRequest, hook: str) -> str:
    """What the forge is told. Raises Refusal."""
    repository = Repository.objects.filter(hook=hook).first()
    if repository is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "No repository has this webhook: see the appliance's page “Source”.")
    body = read(request)
    forge = repository.kind
    headers = {name.lower(): value for name, value in request.headers.items()}
    if not forge.signature(headers):
        raise Refusal(HTTPStatus.UNAUTHORIZED, f"It is not signed as {forge.label} signs: enter the secret there.")
    try:
        genuine = forge.genuine(headers, body, repository.hook_secret)
    except WorkerError as error:
        raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, error.message) from None
    if not genuine:
        raise Refusal(HTTPStatus.FORBIDDEN, "The signature is wrong: enter the present secret at the forge.")
    check(body)
    event = forge.event(headers)
    if event == Event.PING:
        return "pong"
    if event == Event.OTHER:
        return "Nothing follows from this event."
    try:
        with transaction.atomic():
            Push.objects.create(repository=repository, delivery=forge.delivery(headers, body))
            following.ask(repository.pk)
    except IntegrityError:
        raise Refusal(HTTPStatus.CONFLICT, "This delivery was received before.") from None
    return "The repository is looked at."


def read(request: HttpRequest) -> bytes:
    if request.content_type != "application/json":
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Choose the content type application/json at the forge.")
    body = request.read(LIMIT + 1)
    if len(body) > LIMIT:
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"The body is larger than {LIMIT // 2**20} MiB.")
    return body


def check(body: bytes) -> None:
    """It says nothing that we need; but what is no JSON object, no forge has sent."""
    try:
        meant = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refusal(HTTPStatus.BAD_REQUEST, f"The body is not JSON: {error}") from None
    if not isinstance(meant, dict):
        raise Refusal(HTTPStatus.BAD_REQUEST, "The body is not a JSON object.")
