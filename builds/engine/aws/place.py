"""Where something is made on AWS: an account and a region of it."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from ..context import Context
from ..ledger import Entry
from .session import POOL, Client
from .tags import RESOURCE

if TYPE_CHECKING:
    from ..accounts.aws import Aws

FIRST, LONGEST = 0.2, 10.0  # seconds between two looks at something that takes its time
Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Place:
    account: Aws
    region: str

    def client(self, service: str, pool: int = POOL) -> Client:
        return self.account.client(service, self.region, pool)

    def plan(self, kind: str, context: Context) -> tuple[Entry, dict[str, str]]:
        """The ledger's entry of what is about to be made here, and the tags by which it is found."""
        name = f"{context.build}-{kind}-{secrets.token_hex(4)}"
        entry = context.ledger.plan(self.account.named, self.region, kind, name)
        return entry, {**context.tags, RESOURCE: name}


def watched(look: Callable[[], Seen], context: Context) -> Iterator[Seen]:
    """What is seen, again and again, until the caller has seen enough."""
    pause = FIRST
    while True:
        yield look()
        context.wait(pause)
        pause = min(pause * 1.5, LONGEST)
