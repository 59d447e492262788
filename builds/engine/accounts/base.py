"""What an account is: credentials of one team for one place outside."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic.config import JsonDict

from ..context import Context
from ..ledger import Resource
from ..plugin import Options, Plugin

PAGE = "Team settings → Accounts"
SECRET: JsonDict = {"secret": True}
"""`Field(json_schema_extra=SECRET)` marks an option that is never shown again and is removed from every log."""


@dataclass(frozen=True)
class Report:
    """What "Test connection" found out. Nothing in it is secret."""

    identity: str
    """Who we are there: "arn:aws:iam::123456789012:user/slipway"."""
    missing: tuple[str, ...] = ()
    """The permissions that a build would need and that this identity lacks, by their names there."""
    notes: tuple[str, ...] = ()
    """What else is worth knowing: the region, the version of the server."""


class Account(Plugin):
    """Made from decrypted options, used for the length of a build; `named` is what the team calls it."""

    Options: ClassVar[type[Options]]
    order: ClassVar[tuple[str, ...]] = ()
    """The kinds of resources in the order in which they can be removed: an instance before its security group."""
    resumable: ClassVar[tuple[str, ...]] = ()
    """The kinds of which a next attempt goes on with what a broken one has left: an upload, a copy. They stay as long
    as the build can be resumed; what nobody goes on with, such as an instance, is not among them."""

    def __init__(self, options: Any, named: str = "") -> None:
        super().__init__(options)
        self.named = named

    @classmethod
    def secret_options(cls) -> frozenset[str]:
        """The names of the options that are never shown."""
        return frozenset(name for name, field in cls.Options.model_fields.items() if field.json_schema_extra == SECRET)

    def secrets(self) -> frozenset[str]:
        """The values that must be removed from every log."""
        values = (getattr(self.options, name) for name in self.secret_options())
        return frozenset(str(value) for value in values if value)

    @property
    def borrows(self) -> bool:
        """Does it sign in with credentials of the worker itself? They are not the team's to use as it likes."""
        return False

    @property
    def places(self) -> tuple[str, ...]:
        """Where builds work whose template names no place."""
        return ()

    @abstractmethod
    def test(self) -> Report:
        """Sign in and look around without changing anything. Raises BuildError that says what to mend."""

    @abstractmethod
    def held(self, places: Collection[str], tags: Mapping[str, str]) -> Iterator[tuple[str, Resource]]:
        """What exists in these places and carries all these tags: (the build's name, the resource).

        Finds also what a worker created in the moment in which it was killed, before it could write the id down.
        """

    @abstractmethod
    def remove(self, resource: Resource, context: Context) -> None:
        """Remove it and return when it is gone. What is gone already is no error. Raises BuildError otherwise.

        A resource without a reference was planned, perhaps made: it is looked for by its name.
        """
