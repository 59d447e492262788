"""What every forge is asked."""

from __future__ import annotations

import hashlib
import hmac
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, ClassVar

from builds.engine.source import Address

CONTEXT = "slipway"  # what our status is called among those of others


class Event(Enum):
    PUSH = auto()  # of a branch or a tag: something may have changed
    PING = auto()  # it only tries the address
    OTHER = auto()


class Status(Enum):
    """What a forge says of a commit."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    SUPERSEDED = "superseded"  # a newer commit's revision took its place


@dataclass(frozen=True)
class Request:
    """A POST to a forge's API."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    json: Mapping[str, Any]


class Forge(ABC):
    label: ClassVar[str]
    how: ClassVar[str]
    """Where at the forge the webhook is added, and what to choose there."""
    login: ClassVar[str] = "slipway"
    """The user's name that goes with an access token over HTTPS."""
    event_header: ClassVar[str]
    delivery_headers: ClassVar[tuple[str, ...]]
    """Any of them names the delivery."""
    pushes: ClassVar[frozenset[str]] = frozenset({"push"})
    pings: ClassVar[frozenset[str]] = frozenset()
    takes_statuses: ClassVar[bool] = False

    @abstractmethod
    def signature(self, headers: Mapping[str, str]) -> str:
        """What it signed with; empty when it did not."""

    def genuine(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        """Did somebody who knows the secret send exactly this? Takes the same time whatever is wrong."""
        return same(self.signature(headers), "sha256=" + hmac_sha256(secret.encode(), body))

    def event(self, headers: Mapping[str, str]) -> Event:
        name = headers.get(self.event_header, "")
        return Event.PUSH if name in self.pushes else Event.PING if name in self.pings else Event.OTHER

    def delivery(self, headers: Mapping[str, str], body: bytes) -> str:
        """The same for the same delivery, in hex. Where it has no number, the same content is the same delivery."""
        number = next((headers[name] for name in self.delivery_headers if headers.get(name)), "")
        return hashlib.sha256(number.encode() or body).hexdigest()

    def commit_url(self, where: Address, commit: str) -> str:
        """Its page for people, empty when it has none."""
        return f"{where.web}/{where.path}/commit/{commit}"

    def diff_url(self, where: Address, old: str, new: str) -> str:
        return f"{where.web}/{where.path}/compare/{old}...{new}"

    def status(self, where: Address, commit: str, status: Status, text: str, target: str, token: str) -> Request:
        """Tell that of a commit. Only asked of those that take statuses."""
        raise NotImplementedError(f"{self.label} takes no statuses")

    def known_already(self, code: int, answer: str) -> bool:
        """Does this refusal mean that it was told the same before?"""
        return False


def hmac_sha256(key: bytes, body: bytes) -> str:
    return hmac.new(key, body, hashlib.sha256).hexdigest()


def same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())
