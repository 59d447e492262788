"""Gitea and Forgejo."""

from __future__ import annotations

from collections.abc import Mapping

from builds.engine.source import Address

from .base import CONTEXT, Forge, Request, Status, hmac_sha256, same

STATES = {Status.PENDING: "pending", Status.SUCCESS: "success", Status.FAILURE: "failure", Status.SUPERSEDED: "error"}


class Gitea(Forge):
    label = "Gitea or Forgejo"
    how = (
        "Settings → Webhooks → Add webhook → Gitea (or Forgejo): the address as Target URL, method POST, content type "
        "application/json, the secret. Leave “Push events”."
    )
    event_header = "x-gitea-event"
    delivery_headers = ("x-gitea-delivery",)
    takes_statuses = True

    def signature(self, headers: Mapping[str, str]) -> str:
        """Forgejo sends both; then its own counts."""
        return headers.get("x-forgejo-signature", "") or headers.get("x-gitea-signature", "")

    def genuine(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        return same(self.signature(headers), hmac_sha256(secret.encode(), body))

    def status(self, where: Address, commit: str, status: Status, text: str, target: str, token: str) -> Request:
        names = where.path.split("/")  # it may be served below a path
        return Request(
            "/".join([where.web, *names[:-2], "api/v1/repos", *names[-2:], "statuses", commit]),
            {"Authorization": f"token {token}"},
            {"state": STATES[status], "target_url": target, "description": text, "context": CONTEXT},
        )
