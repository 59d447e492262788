"""An account on AWS, or on a service that speaks its API."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from .. import plugin
from ..aws import permissions, resources
from ..aws.region import Region
from ..aws.session import ATTEMPTS, POOL, Client, Session
from ..context import Context
from ..ledger import Resource
from .base import SECRET, Account, Report

ONCE_MORE = 2  # attempts while somebody waits for the answer
TEMPORARY = "ASIA"  # how the ids of keys begin that are worth nothing without a session token


class Aws(Account):
    name = "aws"
    label = "AWS"
    order = tuple(resources.KINDS)
    resumable = ("image", "snapshot")

    class Options(plugin.Options):
        model_config = ConfigDict(hide_input_in_errors=True)

        region: Region = Field(min_length=1)
        """The region where builds work unless their template names another, such as eu-central-1."""
        access_key_id: str = ""
        """An access key of an IAM user. Leave the keys and `profile` empty to use what the worker itself has: its
        instance's role, or its environment."""
        secret_access_key: str = Field("", json_schema_extra=SECRET, repr=False)
        """The secret that belongs to the access key."""
        session_token: str = Field("", json_schema_extra=SECRET, repr=False)
        """Only with temporary keys. They expire: a role does not."""
        profile: str = ""
        """Instead of keys: a profile in the worker's ~/.aws/config."""
        role_arn: str = Field("", pattern=r"^(arn:[a-z-]+:iam::[0-9]{12}:role/\S+)?$")
        """A role to assume with these credentials, such as arn:aws:iam::123456789012:role/slipway."""
        external_id: str = Field("", json_schema_extra=SECRET, repr=False)
        """What the role's trust policy asks for."""
        endpoint: str = Field("", pattern=r"^(https?://[^\s/]+(/\S*)?)?$")
        """The address of a service that speaks AWS's API. Empty: AWS itself."""

        @model_validator(mode="after")
        def _agree(self) -> Self:
            problems = []
            if bool(self.access_key_id) != bool(self.secret_access_key):
                problems.append("`access_key_id` and `secret_access_key` need each other")
            if self.access_key_id and self.profile:
                problems.append("keys and `profile` exclude each other")
            if self.session_token and not self.access_key_id:
                problems.append("`session_token` belongs to keys, but there are none")
            if self.access_key_id.startswith(TEMPORARY) and not self.session_token:
                problems.append(f"a key that begins with {TEMPORARY} is temporary: it needs its `session_token`")
            if self.external_id and not self.role_arn:
                problems.append("`external_id` belongs to `role_arn`, but there is no role")
            if problems:
                raise ValueError("; ".join(problems))
            return self

    options: Options

    @cached_property
    def session(self) -> Session:
        """Nothing is asked for until its first call."""
        return self._sign_in(ATTEMPTS)

    def client(self, service: str, region: str = "", pool: int = POOL) -> Client:
        """A service in a region, by default in the account's own."""
        return self.session.client(service, region or self.options.region, pool)

    def test(self) -> Report:
        session, region = self._sign_in(ONCE_MORE), self.options.region
        identity = str(session.client("sts", region).get_caller_identity()["Arn"])
        missing, unknown = permissions.missing(session, region, identity)
        return Report(identity, tuple(missing), tuple(permissions.notes(session, region, unknown)))

    def _sign_in(self, attempts: int) -> Session:
        given = self.options
        return Session(
            given.region,
            keys=(given.access_key_id, given.secret_access_key, given.session_token) if given.access_key_id else None,
            profile=given.profile,
            role_arn=given.role_arn,
            external_id=given.external_id,
            endpoint=given.endpoint,
            attempts=attempts,
        )

    @property
    def borrows(self) -> bool:
        return not self.options.access_key_id

    @property
    def places(self) -> tuple[str, ...]:
        return (self.options.region,)

    def held(self, places: Collection[str], tags: Mapping[str, str]) -> Iterator[tuple[str, Resource]]:
        for region in places:
            for kind, name, reference, build in resources.held(self.session, region, tags):
                yield build, Resource(self.named, region, kind, name, reference)

    def remove(self, resource: Resource, context: Context) -> None:
        resources.remove(self.session, resource, context)
