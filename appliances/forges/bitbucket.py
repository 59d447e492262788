"""Bitbucket, its own site or one's own Data Center."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from builds.engine.source import Address

from .base import Forge


class Bitbucket(Forge):
    label = "Bitbucket"
    how = (
        "Repository settings → Webhooks → Add webhook: the address as URL, the secret. Leave “Repository push” as "
        "its trigger."
    )
    login = "x-token-auth"
    event_header = "x-event-key"
    delivery_headers = ("x-request-uuid", "x-request-id")
    pushes: ClassVar[frozenset[str]] = frozenset({"repo:push", "repo:refs_changed"})
    pings: ClassVar[frozenset[str]] = frozenset({"diagnostics:ping"})

    def signature(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-hub-signature", "")

    def commit_url(self, where: Address, commit: str) -> str:
        return f"{where.web}/{where.path}/commits/{commit}"

    def diff_url(self, where: Address, old: str, new: str) -> str:
        return f"{where.web}/{where.path}/branches/compare/{new}..{old}"
