"""The header `Idempotency-Key`: a POST that is sent twice is done once, and answered twice.

The first to write the row does the work; others are told to wait, and get its answer afterwards. Only what was done
is remembered: a request that was refused changed nothing, and is judged anew. An answer may hold a secret that is
shown once: it is kept encrypted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.utils import timezone

from appliances import secrets
from appliances.models import Answer
from appliances.models.answer import ABANDONED
from builds.engine.errors import WorkerError

from .access import Caller, caller_of
from .problems import Flaw, Refusal, invalid

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_HEADERS = ("Location", "ETag")


def once(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Around an operation, before anything of it is looked at."""

    @wraps(run)
    def keyed(request: HttpRequest, **values: Any) -> HttpResponse:
        key = request.headers.get(HEADER)
        caller = caller_of(request) if request.method == "POST" and key is not None else None
        if caller is None:
            return run(request, **values)
        try:
            answer = _begin(caller, key, _fingerprint(request))
        except Refusal as refusal:
            return refusal.response()
        except (RequestDataTooBig, UnreadablePostError):
            return run(request, **values)  # it will be told so there
        if answer.status is not None:
            return _again(answer)
        try:
            response = run(request, **values)
        except BaseException:
            answer.delete()
            raise
        return _end(answer, response)

    return keyed


def _begin(caller: Caller, key: str, request: str) -> Answer:
    """The row of the key: a new one of ours, or one that holds an answer."""
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise invalid(Flaw(path=HEADER, message="use 1 to 255 printable ASCII characters"))
    now = timezone.now()
    try:
        with transaction.atomic():
            return Answer.objects.create(token=caller.token, key=key, request=request, started_at=now)
    except IntegrityError:
        found = Answer.objects.filter(token=caller.token, key=key).first()
    if found is None:  # the first was refused in this moment
        raise _busy()
    if found.request != request:
        raise Refusal(
            "key-reused", f"The key {key} belongs to another request.", hint="Use a new key for each request."
        )
    if found.status is None:
        abandoned = Q(pk=found.pk, status=None, started_at__lt=now - ABANDONED)
        if not Answer.objects.filter(abandoned).update(started_at=now):
            raise _busy()
    return found


def _busy() -> Refusal:
    detail = "The first request with this key is still being answered."
    return Refusal("in-progress", detail, hint="Send it again in a second.", headers={"Retry-After": "1"})


def _end(answer: Answer, response: HttpResponse) -> HttpResponse:
    if not 200 <= response.status_code < 300:
        answer.delete()
        return response
    answer.status = response.status_code
    answer.headers = {name: response[name] for name in KEPT_HEADERS if name in response}
    answer.body = secrets.encrypt(response.content.decode()).decode()
    answer.save()
    return response


def _again(answer: Answer) -> HttpResponse:
    headers = {**answer.headers, REPLAYED: "true"}
    try:
        body = secrets.decrypt(answer.body.encode())
    except WorkerError as error:
        return Refusal("refused", "It was done; what was answered cannot be read again.", hint=error.message).response()
    return HttpResponse(body, status=answer.status, content_type="application/json", headers=headers)


def _fingerprint(request: HttpRequest) -> str:
    asked = f"{request.method} {request.get_full_path()}\n".encode() + request.body
    return hashlib.sha256(asked).hexdigest()
