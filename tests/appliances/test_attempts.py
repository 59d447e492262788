"""Whoever guesses passwords or tokens is made to wait; nobody else is."""

import pytest
from django.test import Client

from appliances import attempts
from appliances.models import Token
from tests import factories

pytestmark = pytest.mark.django_db


def guess(number: int, client: str = "192.0.2.1"):
    headers = {"Authorization": f"Bearer slipway_guess{number}"}
    return Client(REMOTE_ADDR=client).get("/", headers=headers)


def test_whoever_tries_token_after_token_has_to_wait():
    assert {guess(number).status_code for number in range(attempts.MOST)} == {200}
    refused = guess(attempts.MOST)
    assert refused.status_code == 429
    assert int(refused["Retry-After"]) > 0
    assert "Wait 10 minutes" in refused.content.decode()
    assert guess(0, client="192.0.2.2").status_code == 200


def test_the_same_wrong_one_again_and_again_is_no_guess():
    assert {guess(1).status_code for _ in range(2 * attempts.MOST)} == {200}


def test_a_right_token_is_let_in_whatever_others_behind_its_address_try():
    team = factories.team()
    text = Token.objects.issue("ci", ["read"], by=None, team=team)[1]
    for number in range(attempts.MOST):
        guess(number)
    right = {"Authorization": f"Bearer {text}"}
    assert Client(REMOTE_ADDR="192.0.2.1").get("/", headers=right).status_code == 200
    assert Client(REMOTE_ADDR="192.0.2.1").get("/api/v1/token", headers=right).status_code == 200


def test_the_api_says_it_in_its_own_form():
    for number in range(attempts.MOST):
        guess(number)
    answer = Client(REMOTE_ADDR="192.0.2.1").get("/api/v1/token", headers={"Authorization": "Bearer slipway_more"})
    assert answer.status_code == 429
    assert answer.json()["type"].endswith("too-many-attempts")
    assert int(answer["Retry-After"]) > 0


def test_the_sign_in_page_stops_to_look_at_passwords(client):
    person = factories.user()
    for number in range(attempts.MOST):
        form = {"username": person.username, "password": f"wrong {number}"}
        assert client.post("/login", form).status_code == 200
    form = {"username": person.username, "password": "correct horse battery"}
    assert client.post("/login", form).status_code == 429
    assert Client(REMOTE_ADDR="192.0.2.2").post("/login", form).status_code == 302
