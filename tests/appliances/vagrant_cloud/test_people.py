"""`vagrant cloud auth`: a password becomes a token, a token says whose it is, and ends."""

from __future__ import annotations

import pytest
from django.core.cache import cache

from appliances import attempts
from appliances.models import Event, Token
from appliances.vagrant_cloud.people import LIFETIME, SCOPES
from tests import factories

from .conftest import Vagrant

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def nobody_has_guessed():
    cache.clear()
    yield
    cache.clear()


def login(name: str, password: str = PASSWORD, description: str | None = "Vagrant login from laptop"):
    return {"user": {"login": name, "password": password}, "token": {"description": description}, "two_factor": {}}


def test_a_password_gives_a_token(anybody):
    factories.user(username="maria")
    said = anybody.json("POST", "/api/v1/authenticate", login("maria"))
    assert said.keys() == {"token", "token_hash", "created_at", "description"}
    assert Vagrant(said["token"], "v2").json("GET", "authenticate") == {"user": {"username": "maria"}}
    token = Token.objects.get()
    assert (token.name, token.scopes) == ("vagrant: Vagrant login from laptop", list(SCOPES))
    assert token.expires_at == pytest.approx(token.created_at + LIFETIME, abs=LIFETIME / 1000)


@pytest.mark.parametrize("description", [None, "", "x" * 999])
def test_every_description_gives_a_name(anybody, description):
    factories.user(username="maria")
    anybody.json("POST", "authenticate", login("maria", description=description))
    assert 0 < len(Token.objects.get().name) <= 80


def test_an_address_stands_for_its_only_person(anybody):
    factories.user(username="maria", email="maria@example.org")
    assert anybody.json("POST", "authenticate", login("Maria@example.org"))["token"]
    factories.user(username="mary", email="maria@example.org")
    anybody.errors(401, "POST", "authenticate", login("maria@example.org"))


def test_a_wrong_password_is_refused_and_written_down(anybody):
    factories.user(username="maria")
    assert "Nobody here" in anybody.errors(401, "POST", "authenticate", login("maria", "guess"))
    assert Event.objects.get(name="sign-in-failed").text == "somebody failed to sign in as maria"
    assert not Token.objects.exists()


def test_a_token_that_has_ended_keeps_nobody_from_signing_in(db):
    factories.user(username="maria")
    assert Vagrant("slipway_ended").json("POST", "authenticate", login("maria"))["token"]


def test_guessing_ends_soon(anybody):
    factories.user(username="maria")
    for number in range(attempts.MOST):
        anybody.errors(401, "POST", "authenticate", login("maria", f"guess {number}"))
    assert "Wait" in anybody.errors(429, "POST", "authenticate", login("maria"))


def test_there_is_no_second_factor(anybody):
    said = {"two_factor": {"delivery_method": "sms"}, "user": {"login": "maria", "password": "x"}}
    assert "no second factor" in anybody.errors(422, "POST", "two-factor/request-code", said)


def test_logging_out_ends_the_token(vagrant):
    client = vagrant()
    assert client.json("DELETE", "/api/v1/authenticate") == {}
    client.errors(401, "GET", "authenticate")


def test_whoever_has_no_team_of_their_name_has_no_boxes_under_it(anybody):
    """The client asks for the organization of the token's person when it is told of no other."""
    person = factories.user(username="maria")
    client = Vagrant(Token.objects.issue("laptop", SCOPES, by=person)[1])
    assert client.json("GET", "user/maria")["boxes"] == []
    anybody.errors(404, "GET", "user/maria")


def test_no_token_is_unauthorized(anybody):
    anybody.errors(401, "GET", "authenticate")
    assert anybody("GET", "authenticate")["WWW-Authenticate"].startswith("Bearer")
