"""A git server without a site of its own: its post-receive hook calls us. docs/sources.md has one to copy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from builds.engine.source import Address

from .base import Forge


class Plain(Forge):
    label = "Another git server"
    how = (
        "Let its post-receive hook POST JSON to the address, with the HMAC-SHA256 of the body under the secret in "
        "X-Slipway-Signature: sha256=<hex>. The documentation (sources) has one to copy."
    )
    event_header = "x-slipway-event"
    delivery_headers = ("x-slipway-delivery",)
    pings: ClassVar[frozenset[str]] = frozenset({"ping"})

    def signature(self, headers: Mapping[str, str]) -> str:
        return headers.get("x-slipway-signature", "")

    def commit_url(self, where: Address, commit: str) -> str:
        return ""

    def diff_url(self, where: Address, old: str, new: str) -> str:
        return ""
