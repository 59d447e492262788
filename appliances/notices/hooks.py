"""Hooks: what owners do with them, and calling them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import urllib3
from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from appliances import audit
from appliances.models import Event, Hook, HookDelivery, HookFormat, User
from builds.engine.errors import SlipwayError
from builds.outside import attempt
from builds.states import DeliveryState

from . import errands, payloads, signature
from .kinds import TEST

PATIENCE = 15.0
"""Seconds for a whole call, however slowly the answer drips."""
ANSWER = 1024
"""Bytes of the answer that are read."""
TOO_MANY = 5
"""Messages in a row that are given up, each after hours; then the hook is switched off."""


@dataclass(frozen=True)
class Answer:
    status: int | None = None
    text: str = ""
    error: str = ""


def keep(hook: Hook, *, url: str, secret: str, by: User | None) -> None:
    """Save it with this address and secret. What it failed before is forgotten."""
    added = hook.pk is None
    hook.shown = shown(url, hook.format)
    hook.seal(url, secret)
    hook.failures = 0
    with transaction.atomic():
        hook.save()
        if added:
            audit.record(hook.appliance or hook.team, "hook-added", f"added the {hook}", by=by)
        else:
            audit.record(hook.appliance or hook.team, "hook-changed", f"changed the {hook}", by=by)


def renew_secret(hook: Hook, *, by: User | None) -> str:
    """A new secret, returned this once; the former is no good from now on."""
    secret = signature.new_secret()
    hook.seal(hook.url, secret)
    with transaction.atomic():
        hook.save(update_fields=["ciphertext"])
        audit.record(hook.appliance or hook.team, "hook-changed", f"made a new secret for the {hook}", by=by)
    return secret


def remove(hook: Hook, *, by: User | None) -> None:
    with transaction.atomic():
        hook.delete()
        audit.record(hook.appliance or hook.team, "hook-removed", f"removed the {hook}", by=by)


def switch_on(hook: Hook, *, by: User | None) -> None:
    with transaction.atomic():
        if Hook.objects.filter(pk=hook.pk, stopped_at__isnull=False).update(stopped_at=None, failures=0):
            audit.record(hook.appliance or hook.team, "hook-started", f"switched on the {hook}", by=by)


def test(hook: Hook) -> HookDelivery:
    now = timezone.now()
    body = payloads.of_test(hook, now.isoformat())
    return _queue(hook, kind=TEST, message=f"msg_{uuid4().hex}", body=body)


def replay(delivery: HookDelivery) -> HookDelivery:
    """The same message once more. Its id stays, so that a receiver that had it can tell."""
    same = {"event": delivery.event, "kind": delivery.kind, "message": delivery.message, "body": delivery.body}
    return _queue(delivery.hook, **same, replayed=True)


def of(event: Event) -> Iterator[HookDelivery]:
    """A message for every hook that wants to hear of it."""
    hooks = Hook.objects.filter(Q(appliance=None) | Q(appliance=event.appliance), team=event.team, stopped_at=None)
    now = timezone.now()
    for hook in hooks.order_by("pk"):
        if event.name in hook.kinds:
            yield HookDelivery(
                hook=hook,
                event=event,
                kind=event.name,
                message=f"msg_{event.pk}_{hook.pk}",
                body=payloads.of(event, hook),
                due_at=now,
            )


def send(delivery: HookDelivery) -> None:
    """One attempt."""
    begun = time.monotonic()
    try:
        request = Request.of(delivery)
        answer = attempt(request.send, PATIENCE, delivery.hook.shown)
    except SlipwayError as error:
        answer = Answer(error=str(error))
    spent = round((time.monotonic() - begun) * 1000)
    now = timezone.now()
    with transaction.atomic():
        seen = {"status": answer.status, "answer": answer.text, "milliseconds": spent}
        if errands.end(delivery, now, answer.error, **seen):
            _count(delivery)


@dataclass(frozen=True)
class Request:
    """What goes over the wire, without the database: it is sent from a thread of its own."""

    url: str
    body: bytes
    headers: dict[str, str]

    @classmethod
    def of(cls, delivery: HookDelivery) -> Request:
        hook, body = delivery.hook, delivery.body.encode()
        headers = {"content-type": "application/json", "user-agent": "Slipway"}
        if hook.format == HookFormat.SLIPWAY:
            timestamp = int(timezone.now().timestamp())
            headers |= signature.headers(hook.secret, delivery.message, timestamp, body)
        return cls(hook.url, body, headers)

    def send(self) -> Answer:
        limits = urllib3.Timeout(connect=5, read=10)
        try:
            with settings.REACH.pool(timeout=limits, retries=False) as pool:
                answer = pool.request(
                    "POST", self.url, body=self.body, headers=self.headers, redirect=False, preload_content=False
                )
                text = answer.read(ANSWER, decode_content=False).decode(errors="replace").replace("\0", "")
                answer.close()  # whatever more there is
        except urllib3.exceptions.HTTPError as problem:
            return Answer(error=explain(problem))
        return Answer(answer.status, text, judge(answer.status))


def judge(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"It answered {status}, and we follow no redirects: enter the address that it leads to."
    return f"It answered {status}."


def explain(problem: Exception) -> str:
    """urllib3's own texts show the whole address, which may be secret."""
    if isinstance(problem, urllib3.exceptions.NameResolutionError):
        return "No address is known for its name."
    if isinstance(problem, urllib3.exceptions.SSLError):
        return "Its certificate, or its TLS, is not one that we trust."
    if isinstance(problem, urllib3.exceptions.NewConnectionError):
        return "It takes no connections."
    if isinstance(problem, urllib3.exceptions.TimeoutError):  # last: urllib3 counts the former among these
        return "It did not answer in time."
    return f"It broke the connection ({type(problem).__name__})."


def shown(url: str, format_: str) -> str:
    """What people may see of it. The path of a chat's hook is what lets one write there."""
    parts = urlsplit(url)
    host = f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}"
    whole = f"{host}{parts.path}{'?…' if parts.query else ''}"
    return (f"{host}/…" if format_ == HookFormat.SLACK else whole)[:300]


def _queue(hook: Hook, **fields: object) -> HookDelivery:
    with transaction.atomic():
        row = HookDelivery.objects.create(hook=hook, due_at=timezone.now(), **fields)
        transaction.on_commit(lambda: errands.wake("call_hooks"))
    return row


def _count(delivery: HookDelivery) -> None:
    """Switch a hook off that fails and fails; whoever wants to hear of that is told."""
    hook = delivery.hook
    if delivery.state == DeliveryState.DONE:
        Hook.objects.filter(pk=hook.pk).exclude(failures=0).update(failures=0)
    if delivery.state != DeliveryState.FAILED:
        return
    Hook.objects.filter(pk=hook.pk).update(failures=F("failures") + 1)
    now = timezone.now()
    if not Hook.objects.filter(pk=hook.pk, failures__gte=TOO_MANY, stopped_at=None).update(stopped_at=now):
        return
    for waiting in hook.deliveries.under_way():
        errands.drop(waiting, now, "The hook was switched off.")
    text = f"switched off the {hook}: {TOO_MANY} messages in a row were given up"
    audit.record(hook.appliance or hook.team, "hook-stopped", text, by=None)
