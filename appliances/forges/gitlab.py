"""GitLab, its own site or one's own.

It sends the secret itself (“Secret token”), or, newer ones, signs as the Standard Webhooks say (“Signing token”).
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import quote

from builds.engine.source import Address

from .base import CONTEXT, Forge, Request, Status, same

STATES = {
    Status.PENDING: "pending",
    Status.SUCCESS: "success",
    Status.FAILURE: "failed",
    Status.SUPERSEDED: "canceled",
}


class GitLab(Forge):
    label = "GitLab"
    how = (
        "Settings → Webhooks → Add new webhook: the address as URL, the secret as Signing token (where there is none, "
        "as Secret token). Choose push events and tag push events."
    )
    login = "oauth2"
    event_header = "x-gitlab-event"
    delivery_headers = ("idempotency-key", "webhook-id", "x-gitlab-event-uuid")
    pushes: ClassVar[frozenset[str]] = frozenset({"Push Hook", "Tag Push Hook"})
    takes_statuses = True

    def signature(self, headers: Mapping[str, str]) -> str:
        return headers.get("webhook-signature", "") or headers.get("x-gitlab-token", "")

    def genuine(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        if "webhook-signature" not in headers:
            return same(headers.get("x-gitlab-token", ""), secret)
        signed = f"{headers.get('webhook-id', '')}.{headers.get('webhook-timestamp', '')}.".encode() + body
        digest = hmac.new(b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
        expected = "v1," + b64encode(digest).decode()
        return any(same(each, expected) for each in headers["webhook-signature"].split())

    def commit_url(self, where: Address, commit: str) -> str:
        return f"{where.web}/{where.path}/-/commit/{commit}"

    def diff_url(self, where: Address, old: str, new: str) -> str:
        return f"{where.web}/{where.path}/-/compare/{old}...{new}"

    def status(self, where: Address, commit: str, status: Status, text: str, target: str, token: str) -> Request:
        return Request(
            f"{where.web}/api/v4/projects/{quote(where.path, safe='')}/statuses/{commit}",
            {"PRIVATE-TOKEN": token},
            {"state": STATES[status], "target_url": target, "description": text, "name": CONTEXT},
        )

    def known_already(self, code: int, answer: str) -> bool:
        return code == 400 and "Cannot transition status" in answer
