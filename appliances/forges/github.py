"""GitHub, and GitHub Enterprise Server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from builds.engine.source import Address

from .base import CONTEXT, Forge, Request, Status

STATES = {Status.PENDING: "pending", Status.SUCCESS: "success", Status.FAILURE: "failure", Status.SUPERSEDED: "error"}


class GitHub(Forge):
    label = "GitHub"
    how = (
        "Settings → Webhooks → Add webhook: the address as Payload URL, content type application/json, the secret. "
        "Leave “Just the push event”."
    )
    login = "x-access-token"
    event_header = "x-github-event"
    delivery_headers = ("x-github-delivery",)
    pings: ClassVar[frozenset[str]] = frozenset({"ping"})
    takes_statuses = True

    def signature(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-hub-signature-256", "")

    def status(self, where: Address, commit: str, status: Status, text: str, target: str, token: str) -> Request:
        api = "https://api.github.com" if where.host in ("github.com", "ssh.github.com") else f"{where.web}/api/v3"
        return Request(
            f"{api}/repos/{where.path}/statuses/{commit}",
            {"Authorization": f"Bearer {token}", "Accept": "application/vnd.github+json"},
            {"state": STATES[status], "target_url": target, "description": text, "context": CONTEXT},
        )
