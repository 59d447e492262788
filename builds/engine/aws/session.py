"""Signing in to AWS, and its clients: one for each service and region, whose errors are ours."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.client import BaseClient
from botocore.config import Config
from botocore.credentials import (
    AssumeRoleCredentialFetcher,
    CredentialProvider,
    CredentialResolver,
    DeferredRefreshableCredentials,
)
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session as Core

from ..errors import WorkerError
from .errors import explained

BUNDLE = "AWS_CA_BUNDLE"
NO_PROFILE = {"profile": (None, None, None, None)}
"""For keys of our own: a worker's AWS_PROFILE has nothing to do with them, least of all one that does not exist."""
ATTEMPTS = 6  # of a call that AWS throttles or fails at; a quarter of a minute in all
POOL = 10  # connections that a client keeps


class Session:
    """Credentials, and the clients made with them. Several threads may share it."""

    def __init__(
        self,
        region: str,
        *,
        keys: tuple[str, str, str] | None = None,
        profile: str = "",
        role_arn: str = "",
        external_id: str = "",
        endpoint: str = "",
        attempts: int = ATTEMPTS,
    ) -> None:
        """Keys (id, secret, token), else a profile, else what the worker has; from there into the role, if any.

        `region`: where it signs in. Any of the same partition (China's, for instance, is another) will do.
        """
        self.endpoint = endpoint
        self._attempts = attempts
        self._clients: dict[tuple[str, str, int], Client] = {}
        self._lock = threading.Lock()
        core = Core(session_vars=NO_PROFILE) if keys else Core(profile=profile or None)
        if keys:
            key, secret, token = keys
            core.set_credentials(key, secret, token or None)
        if role_arn:
            extra = {"RoleSessionName": "slipway", **({"ExternalId": external_id} if external_id else {})}
            assumed = _Assumed(core, partial(self._create, core, region_name=region), role_arn, extra)
            core = Core(session_vars=NO_PROFILE)
            core.register_component("credential_provider", CredentialResolver([assumed]))
        with explained("sts", region):
            self._boto = boto3.Session(botocore_session=core)

    def client(self, service: str, region: str, pool: int = POOL) -> Client:
        """`pool`: how many requests may be under way at once without waiting for each other's connections."""
        with self._lock:  # a boto3 session makes one client at a time
            key = (service, region, pool)
            if key not in self._clients:
                with explained(service, region):
                    client = self._create(self._boto, service, region_name=region, pool=pool)
                self._clients[key] = Client(self, client)
            return self._clients[key]

    def _create(self, creator: Any, service: str, *, pool: int = POOL, **parameters: Any) -> Any:
        config = Config(
            retries={"mode": "standard", "total_max_attempts": self._attempts},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=pool,
            user_agent_extra="slipway",
            # The worker's environment must not send a team's credentials elsewhere: the account's `endpoint` may.
            ignore_configured_endpoint_urls=True,
            s3={"addressing_style": "path"} if self.endpoint else None,
        )
        create = creator.create_client if isinstance(creator, Core) else creator.client
        return create(service, config=config, endpoint_url=self.endpoint or None, verify=trust(), **parameters)


class Client:
    """A boto3 client whose failures are BuildErrors and WorkerErrors that say what to do: see errors.py."""

    def __init__(self, session: Session, client: BaseClient) -> None:
        self._session = session
        self._client = client
        self.region: str = client.meta.region_name
        self.service: str = client.meta.service_model.signing_name

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, getattr(self._client, method))

    def pages(self, method: str, key: str, **parameters: Any) -> Iterator[Any]:
        """Everything that a listing has, whatever number of calls it takes."""
        pages = self._client.get_paginator(method).paginate(**parameters)
        yield from self._call(lambda: [each for page in pages for each in page.get(key, ())])

    def _call(self, function: Callable[..., Any], *arguments: Any, **parameters: Any) -> Any:
        with explained(self.service, self.region, self._decode):
            return function(*arguments, **parameters)

    def _decode(self, message: str) -> str:
        """The plain text of an encoded authorization message; needs a permission of its own."""
        client = self._session.client("sts", self.region)._client
        try:
            return str(client.decode_authorization_message(EncodedMessage=message)["DecodedMessage"])
        except (ClientError, BotoCoreError):
            return ""


class _Assumed(CredentialProvider):  # type: ignore[misc]
    """A role's credentials, renewed before they expire: a build may take longer than they last."""

    METHOD = "assume-role"

    def __init__(self, source: Core, create: Callable[..., Any], role_arn: str, extra: dict[str, str]) -> None:
        super().__init__(source)
        self._create, self._role_arn, self._extra = create, role_arn, extra

    def load(self) -> DeferredRefreshableCredentials | None:
        if (credentials := self.session.get_credentials()) is None:
            return None
        fetcher = AssumeRoleCredentialFetcher(self._create, credentials, self._role_arn, extra_args=self._extra)
        return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)


def trust() -> str | bool:
    """Which certificates are believed: the worker's own, or those in the file that AWS_CA_BUNDLE names.

    Given explicitly, or the variables of other programs (REQUESTS_CA_BUNDLE) would be followed too.
    """
    bundle = os.environ.get(BUNDLE, "")
    if bundle and not Path(bundle).exists():
        raise WorkerError(f"{BUNDLE} names {bundle}, which does not exist.", hint="Correct or unset it on this worker.")
    return bundle or True
