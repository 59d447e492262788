"""The document is true: whatever is sent, the answer is one that it names, and never an error of the server."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from django.db.models import Model
from hypothesis import HealthCheck, given
from hypothesis import settings as budget
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from appliances import releases
from appliances.api.openapi import operations
from appliances.api.v1 import api
from appliances.models import Base, Hook, HookDelivery, Rebuild, Role, Schedule, Scope, Token
from builds.models import Artifact, Build, Delivery, Layer
from tests import factories

from .conftest import everything

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = int(os.environ.get("SLIPWAY_API_EXAMPLES", "8"))
"""Requests for each operation; more find more. A quarter of them without a token, which is refused early."""
DOCUMENT = api.get_openapi_schema(path_prefix="/api/v1/")
OPERATIONS = [(path, method) for path, method, _ in operations(DOCUMENT)]
EXISTING = {"team": "acme", "appliance": "wiki", "version": "1.0.0", "username": "maria"}
NAMES = {"channels": "stable", "values": "title"}
NUMBERS = {
    "hooks": Hook,
    "schedules": Schedule,
    "rebuilds": Rebuild,
    "bases": Base,
    "builds": Build,
    "artifacts": Artifact,
    "layers": Layer,
    "deliveries": Delivery,
    "revisions": None,
}


@pytest.fixture
def one_connection() -> Iterator[None]:
    """A server drops its connection after each request; the test's own holds what the test made."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture(scope="session")
def schema(django_db_setup, django_db_blocker) -> schemathesis.BaseSchema:
    with django_db_blocker.unblock():  # to ask for the document is a request as any other
        return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", get_wsgi_application())


@pytest.fixture
def world(kinds, db, one_connection) -> str:
    """Something of everything; the text of a token that may do everything with it."""
    team = factories.team(slug="acme")
    owner = factories.member(team, Role.OWNER, username="maria")
    factories.member(team, Role.OWNER)
    team.set_secret("prod", "open sesame")
    account = factories.account(team, name="prod")
    appliance = factories.appliance(team=team, slug="wiki")
    release = factories.release(appliance=appliance)
    revision, _ = releases.revise(release, by=owner)
    build = revision.builds.get()
    step = build.steps.create(position=0, title="Work")
    build.log.create(sequence=0, step=step, text="working\n")
    factories.artifact(build, evidence={"os": "Debian 12"}, reference="ami-1", region="west")
    factories.artifact(build, format="ova", evidence={"os": "Debian"}, file="files/wiki.ova")
    factories.resource(account, build)
    everything(release)
    factories.build(factories.revision(release, digest="other"))
    return Token.objects.issue("ci", Scope.values, by=owner)[1]


def existing(path: str) -> dict[str, object]:
    """What stands in the address so that it leads to something."""
    kind = next((kind for name, kind in NUMBERS.items() if f"/{name}/" in path), None)
    found = EXISTING | {
        "number": first(kind) if kind else 1,
        "delivery": first(HookDelivery),
        "name": next((name for kind, name in NAMES.items() if f"/{kind}/" in path), "prod"),
    }
    return {name: value for name, value in found.items() if f"{{{name}}}" in path}


def first(kind: type[Model]) -> int:
    return kind.objects.order_by("pk").values_list("pk", flat=True)[0]


@pytest.mark.parametrize("signed_in", [True, False], ids=["token", "nobody"])
@pytest.mark.parametrize(("path", "method"), OPERATIONS, ids=[f"{method} {path}" for path, method in OPERATIONS])
def test_every_answer_is_in_the_document(schema, world, path, method, signed_in):
    operation = schema[path][method]
    headers = {"Authorization": f"Bearer {world}"} if signed_in else {}
    sound, broken = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
    cases = st.one_of(
        operation.as_strategy(sound, path_parameters=existing(path)),
        operation.as_strategy(broken, path_parameters=existing(path)),
        operation.as_strategy(sound),
        operation.as_strategy(broken),
    )
    examples = EXAMPLES if signed_in else max(1, EXAMPLES // 4)

    @budget(max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=HealthCheck)
    @given(case=cases)
    def ask(case: schemathesis.Case) -> None:
        with transaction.atomic():
            case.call_and_validate(headers=headers, checks=CHECKS)
            transaction.set_rollback(True)  # the next one finds everything as this one did

    ask()
