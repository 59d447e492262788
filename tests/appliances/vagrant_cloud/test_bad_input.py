"""Whatever is sent is answered in the API's own form, with a sentence; never with an error of ours."""

from __future__ import annotations

import random

import pytest

from appliances.models import Appliance, Release
from appliances.vagrant_cloud.urls import VIEWS

pytestmark = pytest.mark.django_db
VERSIONS = "box/acme/wiki/versions"
PROVIDERS = "box/acme/wiki/version/1.0.0/providers"
LONG = "x" * 200


@pytest.fixture
def draft(vagrant, wiki):
    client = vagrant()
    client.json("POST", VERSIONS, {"version": {"version": "1.0.0"}})
    client.json("POST", PROVIDERS, {"provider": {"name": "libvirt"}})
    return client


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("boxes", b"{", 400, "no JSON"),
        ("boxes", b"\xff\xfe", 400, "no JSON"),
        ("boxes", b"[" * 100_000, 400, "no JSON"),
        ("boxes", b"9" * 5000, 400, "no JSON"),
        ("boxes", b"[]", 400, "no object"),
        ("boxes", b"null", 400, "no object"),
        ("boxes", b'{"box": "' + b"x" * 5_000_000, 413, "too large"),
        ("boxes", None, 422, "name is missing."),
        ("boxes", {"box": []}, 422, "name is missing."),
        ("boxes", {"username": "acme", "name": ""}, 422, "name is missing."),
        ("boxes", {"username": 1, "name": ["x"], "is_private": "perhaps"}, 422, "username must be text, in quotes."),
        ("boxes", {"username": 1, "name": ["x"], "is_private": "perhaps"}, 422, "is_private must be true or false."),
        ("boxes", {"username": "acme", "name": "a\0b"}, 422, "no text"),
        ("boxes", {"username": "acme", "name": "\ud800"}, 422, "no text"),
        ("boxes", {"username": "acme", "name": "Tiny"}, 422, "small letters, such as tiny"),
        ("boxes", {"username": "acme", "name": "a b/c"}, 422, "name: Use letters, digits"),
        ("boxes", {"username": "acme", "name": "a..b"}, 422, "single dots between"),
        ("boxes", {"username": "acme", "name": "tiny.box"}, 422, "ends in .box"),
        ("boxes", {"username": "acme", "name": LONG}, 422, "name: Ensure"),
        ("boxes", {"username": "acme", "name": "tiny", "short_description": LONG}, 422, "short_description: Ensure"),
        ("boxes", {"username": "acme", "name": "wiki"}, 422, "already been taken"),
        ("boxes", {"username": "nobody", "name": "tiny"}, 404, "no such thing"),
        (VERSIONS, {"version": {}}, 422, "version is missing."),
        (VERSIONS, {"version": 1.0}, 422, "version must be text"),
        (VERSIONS, {"version": {"version": "1.0.0"}}, 422, "already been taken"),
        (VERSIONS, {"version": {"version": "1.0.0\n"}}, 422, "exists already"),
        (VERSIONS, {"version": {"version": "v1.0.0"}}, 422, "no leading v"),
        (VERSIONS, {"version": {"version": "1.0.0+build"}}, 422, "no +build"),
        (VERSIONS, {"version": {"version": "../../etc"}}, 422, "Use digits and dots"),
        (VERSIONS, {"version": {"version": "1." * 40}}, 422, "longer than 64"),
        (VERSIONS, {"version": {"version": "\u0661.\u0660"}}, 422, "Use digits and dots"),
        (PROVIDERS, {"provider": {}}, 422, "name is missing."),
        (PROVIDERS, {"provider": {"name": "libvirt"}}, 409, "already"),
        (PROVIDERS, {"provider": {"name": "No Such/Thing"}}, 422, "name: Use what Vagrant calls"),
        (PROVIDERS, {"provider": {"name": LONG}}, 422, "name: "),
        (PROVIDERS, {"provider": {"name": "hyperv", "architecture": LONG}}, 422, "architecture: "),
        (PROVIDERS, {"provider": {"name": "hyperv", "url": "file:///etc/passwd"}}, 422, "url: "),
        (PROVIDERS, {"provider": {"name": "hyperv", "checksum": LONG, "checksum_type": "sha256"}}, 422, "checksum"),
        (
            PROVIDERS,
            {"provider": {"name": "hyperv", "checksum": "abc", "checksum_type": "crc32"}},
            422,
            "checksum_type",
        ),
        (PROVIDERS, {"provider": {"name": "hyperv", "default_architecture": 3}}, 422, "default_architecture must be"),
        ("/api/v1/authenticate", {"user": "maria"}, 422, "user must be an object."),
        ("/api/v1/authenticate", {"user": {}}, 422, "login is missing."),
        ("/api/v1/authenticate", {"user": {}}, 422, "password is missing."),
        ("/api/v1/authenticate", {"user": {"login": "maria", "password": "x" * 5000}}, 422, "password is longer"),
    ],
)
def test_what_is_wrong_is_said(draft, path, body, status, said):
    assert said in draft.errors(status, "POST", path, body)
    assert Appliance.objects.count() == Release.objects.count() == 1


@pytest.mark.parametrize("path", [path for path in VIEWS if path != "uploaded/<int:upload>"])
def test_other_methods_are_refused_with_those_that_there_are(anybody, path):
    place = path.replace("<str:", "").replace(">", "")
    response = anybody("PATCH", place)
    assert response.status_code == 405
    assert response.json()["errors"]
    assert response["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "box",
        "box/acme",
        "box/acme/wiki/nothing",
        "box/acme/wiki/version",
        "boxes/acme",
        "user",
        "user/",
        "/api/v2/",
        "/api/v2/nothing",
        "/api/v2/appliances",
        "/api/v2/uploaded/1/more",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_other_addresses_are_not_there(anybody, method, path):
    anybody.errors(404, method, path)


def test_our_own_api_keeps_its_words_and_its_errors(anybody):
    for path in ("/api/v1/appliances", "/api/v1/nothing", "/api/v1/boxing", "/api/v1/searches"):
        assert anybody("GET", path)["Content-Type"] == "application/problem+json"


def test_an_address_with_nul_is_refused(anybody):
    anybody.errors(400, "GET", "box/acme/wi%00ki")
    anybody.errors(400, "GET", "search?q=%00")


def test_a_host_that_is_not_ours_is_refused_in_json(anybody, settings):
    settings.ALLOWED_HOSTS = ["images.example.org"]
    anybody.errors(400, "GET", "search")


USUAL = ["acme", "wiki", "1.0.0", "libvirt", "amd64", "unknown"]
WORDS = [*USUAL, "..", "%2e%2e", "é", "%00", "%ff", "0", "-1", " ", "a" * 300, "!", "'", "[]", "&=", "\\"]
VALUES = [None, True, False, 0, -1, 1.5, 10**400, "", "libvirt", "1.0.0", "acme", "\0", "\ud800", [], {}, [[]]]
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]
FIELDS = [
    *("box", "version", "provider", "user", "token", "username", "name", "description", "short_description"),
    *("is_private", "url", "checksum", "checksum_type", "architecture", "default_architecture", "login", "password"),
]


@pytest.mark.parametrize("seed", range(6))
def test_nothing_that_is_sent_breaks_it(draft, anybody, seed):
    """Random methods, addresses, bodies and headers; the seed makes it the same again."""
    chance = random.Random(seed)

    def word() -> str:
        return chance.choice(USUAL if chance.random() < 0.7 else WORDS)

    def value(depth: int = 0):
        if depth < 2 and chance.random() < 0.5:
            return {chance.choice(FIELDS): value(depth + 1) for _ in range(chance.randrange(4))}
        return chance.choice(VALUES)

    def body():
        kind = chance.random()
        if kind < 0.1:
            return chance.randbytes(chance.randrange(1, 50))
        return {chance.choice(FIELDS): value() for _ in range(chance.randrange(4))}

    for _ in range(120):
        path = "/".join(word() if part.startswith("<") else part for part in chance.choice(list(VIEWS)).split("/"))
        api, method = (
            chance.choice(["v1", "v2"]),
            chance.choice(["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"]),
        )
        headers = {"accept": chance.choice(["application/json", "*/*", "text/html", "x", ""])}
        if chance.random() < 0.2:
            headers["authorization"] = chance.choice(["Bearer", "Bearer x", "Basic x", "Basic eDp4", "x", "Bearer é"])
        query = f"?{chance.choice(['q', 'limit', 'page', 'sort', 'provider', 'signature'])}={word()}"
        client = chance.choice([draft, draft, anybody])
        response = client(method, f"/api/{api}/{path}{query}", body(), **headers)
        assert response.status_code < 500, (method, path, query)
        if method != "HEAD" and response.status_code >= 400:
            assert response.json()["errors"]
