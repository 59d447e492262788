"""The page for people says what the document says."""

import pytest

from appliances.api.openapi import operations
from appliances.api.problems import KINDS
from appliances.models import Scope

pytestmark = pytest.mark.django_db


def test_it_names_every_operation_problem_and_scope(client):
    page = client.get("/api/").content.decode()
    document = client.get("/api/v1/openapi.json").json()
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) > 40
    assert len(set(names)) == len(names)
    for anchor in [*names, *(f"problem-{name}" for name in KINDS)]:
        assert f'id="{anchor}"' in page, anchor
    for scope in Scope:
        assert f'<td class="mono">{scope.value}</td>' in page


def test_every_operation_says_what_it_does_and_how_it_refuses(client):
    for path, method, operation in operations(client.get("/api/v1/openapi.json").json()):
        assert operation["description"], path
        assert {"401", "403", "404", "405", "406"} <= set(operation["responses"]), path
        keyed = any(each["name"] == "Idempotency-Key" for each in operation["parameters"])
        assert keyed == (method == "post"), path


def test_the_address_without_its_slash_leads_there(client):
    assert client.get("/api")["Location"] == "/api/"
