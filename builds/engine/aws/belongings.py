"""What one machine needs on AWS: written down, tagged, and removed together with it."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..context import Context, Deadline, Stop
from ..errors import SlipwayError
from ..ledger import Entry
from .errors import AwsError
from .resources import KINDS
from .tags import RESOURCE

if TYPE_CHECKING:
    from ..accounts.aws import Aws

REMOVAL = 900.0  # seconds that cleaning up may take, whatever limit the build has hit


class Belongings:
    """As a context manager: on every way out, everything that was planned here is removed."""

    def __init__(self, account: Aws, region: str, context: Context) -> None:
        self.account, self.region, self.context = account, region, context
        self.ec2 = account.client("ec2", region)
        self._entries: list[Entry] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def name(self) -> str:
        """A fresh one, for things that nobody else names."""
        return f"slipway-{self.context.build[:40]}-{secrets.token_hex(6)}"

    def tags(self, name: str) -> dict[str, str]:
        return {"Name": name, **self.context.tags, RESOURCE: name}

    def plan(self, kind: str, name: str) -> Entry:
        """To be called before the call that creates it."""
        entry = self.context.ledger.plan(self.account.named, self.region, kind, name)
        self._entries.append(entry)
        return entry

    def make(self, kind: str, name: str, create: Callable[[], str]) -> str:
        """Create it, tagged with its name; returns its id."""
        entry = self.plan(kind, name)
        try:
            reference = create()
        except AwsError as error:
            if not error.code.endswith(".Duplicate"):
                raise
            # The answer to the call may have been lost, and the call been repeated: then it is ours.
            found = list(KINDS[kind].find(self.account.session, self.region, {RESOURCE: name}))
            if not found:
                raise
            reference = found[0][0]
        entry.made(reference)
        return reference

    def keep(self) -> None:
        """From now on nothing of it is removed here: it belongs to an image."""
        self._entries.clear()

    def remove(self) -> None:
        """Cancelled or late, the build cleans up. What cannot be removed now stays in the ledger for later."""
        order = list(KINDS)
        limit = Deadline(REMOVAL, "Cleaning up on AWS")
        context = replace(self.context, stop=Stop(), deadline=limit)
        for entry in sorted(self._entries, key=lambda each: order.index(each.resource.kind)):
            try:
                self.account.remove(entry.resource, context)
            except SlipwayError as error:
                what = f"{entry.resource.kind} {entry.resource.reference or entry.resource.name}"
                context.console.write(f"The {what} in {self.region} could not be removed: {error}\n")
            else:
                entry.gone()
        self._entries.clear()
