"""The ledger: what a build creates outside is written down before it is created, so that nothing is left over."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Resource:
    """One thing outside: where it is, what it is, and what it is called there."""

    account: str
    """The account's name, as the team calls it."""
    place: str
    """An AWS region, a vCenter's datacenter."""
    kind: str
    """What the place calls it: "instance", "security-group", "virtual-machine"."""
    name: str
    """Chosen before it is created, and unique: a name, a client token or the value of a tag there."""
    reference: str = ""
    """The id that the place gave it; empty: not known, perhaps it does not exist."""


class Entry:
    """A resource's line in the ledger."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource

    def made(self, reference: str) -> None:
        """It exists and has this id."""
        self.resource = replace(self.resource, reference=reference)

    def gone(self) -> None:
        """It was removed, or never came to be."""


class Ledger:
    """Keeps nothing: for a build without a database, whose machine somebody watches."""

    def plan(self, account: str, place: str, kind: str, name: str) -> Entry:
        """Write down what is about to be created. To be called before the call that creates it."""
        return Entry(Resource(account, place, kind, name))
