"""Errors: always the same form, whoever in the server says it."""

import json

import pytest

from builds.engine.errors import Problem
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "validate", b"{", {}, 400),
        ("POST", "validate", rb'{"template": "\u0000"}', {}, 400),
        ("POST", "validate", rb'{"template": "\ud800"}', {}, 400),
        ("POST", "validate", b"[" * 100_000, {}, 400),
        ("GET", "builds?state=%00", None, {}, 400),
        ("GET", "nothing/here", None, {}, 404),
        ("GET", "builds/99999999999999999999999", None, {}, 404),
        ("DELETE", "queue", None, {}, 405),
        ("GET", "queue", None, {"Accept": "text/html"}, 406),
        ("POST", "validate", b"template=x", {"Content_Type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "validate", {"template": "x" * 5_000_000}, {}, 413),
        ("POST", "validate", {"tmplate": "x"}, {}, 422),
        ("GET", "builds?cursor=nonsense", None, {}, 422),
        ("GET", "builds?limit=0", None, {}, 422),
    ],
)
def test_every_error_is_a_problem(program, method, path, body, headers, status):
    response = program()(method, path, body, **headers)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/api/#problem-")
    assert problem["title"]
    assert problem["detail"]
    assert (status == 405) == ("Allow" in response)


def test_a_wrong_name_is_said_with_its_path(program):
    problems = program()("POST", "validate", {"tmplate": "x"}).json()["problems"]
    assert {each["path"] for each in problems} == {"template", "tmplate"}


def test_all_problems_of_a_template_come_with_their_lines(program, wiki):
    bad = "base: debian:12\nsizes: 3\nplatforms:\n  qemu: {formats: [floppy]}\n"
    verdict = program()("POST", "validate", {"template": bad}).json()
    assert verdict["valid"] is False
    assert {each["line"] for each in verdict["problems"]} == {2, 4}
    factories.release(appliance=wiki, template=bad)
    refused = program()("POST", "appliances/acme/wiki/releases/1.0.0/build")
    assert refused.status_code == 422
    assert refused.json()["problems"] == verdict["problems"]
    assert Problem(**verdict["problems"][0])


def test_no_token_says_how_to_bring_one(client):
    response = client.get("/api/v1/teams")
    assert response.status_code == 401
    assert response["WWW-Authenticate"].startswith("Bearer")
    assert "Bearer slipway_" in json.loads(response.content)["hint"]
