"""A POST that is sent twice is done once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from appliances import reconcile
from appliances.models import Answer, Release
from tests import factories

from .conftest import Program, issue

RELEASES = "appliances/acme/wiki/releases"
BODY = {"version": "1.0.0", "template": "base: debian:12\n"}


@pytest.mark.django_db
def test_the_second_gets_the_answer_of_the_first(program, wiki):
    ci = program()
    first = ci("POST", RELEASES, BODY, Idempotency_Key="one")
    again = ci("POST", RELEASES, BODY, Idempotency_Key="one")
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first["ETag"] == again["ETag"]
    assert "Idempotency-Replayed" not in first
    assert again["Idempotency-Replayed"] == "true"
    assert ci("POST", RELEASES, BODY, Idempotency_Key="two").status_code == 409


@pytest.mark.django_db
def test_a_key_is_for_one_request(program, wiki):
    ci = program()
    ci("POST", RELEASES, BODY, Idempotency_Key="one")
    other = ci("POST", RELEASES, {**BODY, "version": "2.0.0"}, Idempotency_Key="one")
    assert other.status_code == 422
    assert other.json()["type"].endswith("key-reused")
    assert not Release.objects.filter(version="2.0.0").exists()


@pytest.mark.django_db
def test_a_key_is_its_tokens_own(program, wiki):
    assert program()("POST", "appliances/acme/wiki/releases", BODY, Idempotency_Key="one").status_code == 201
    assert program()("POST", "appliances/acme/wiki/releases", BODY, Idempotency_Key="one").status_code == 409


@pytest.mark.django_db
def test_what_was_refused_is_judged_anew(program, wiki):
    ci = program()
    assert ci("POST", f"{RELEASES}/1.0.0/build", Idempotency_Key="one").status_code == 404
    factories.release(appliance=wiki)
    assert ci("POST", f"{RELEASES}/1.0.0/build", Idempotency_Key="one").status_code == 200


@pytest.mark.django_db
def test_who_is_first_is_waited_for_unless_it_was_killed(program, wiki):
    ci = program()
    ci("POST", RELEASES, BODY, Idempotency_Key="one")
    Release.objects.all().delete()
    Answer.objects.update(status=None)  # as if the first had not ended
    busy = ci("POST", RELEASES, BODY, Idempotency_Key="one")
    assert busy.status_code == 409
    assert busy.json()["type"].endswith("in-progress")
    assert busy["Retry-After"]
    Answer.objects.update(started_at=timezone.now() - timedelta(minutes=6))
    assert ci("POST", RELEASES, BODY, Idempotency_Key="one").status_code == 201


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ü"])
def test_a_key_is_plain_text(program, wiki, key):
    assert program()("POST", RELEASES, BODY, Idempotency_Key=key).status_code == 422


@pytest.mark.django_db
def test_reconcile_forgets_old_answers(program, wiki):
    ci = program()
    ci("POST", RELEASES, BODY, Idempotency_Key="old")
    Answer.objects.update(started_at=timezone.now() - timedelta(hours=25))
    ci("POST", RELEASES, {**BODY, "version": "2.0.0"}, Idempotency_Key="new")
    assert any("answers" in sentence for sentence in reconcile.run())
    assert Answer.objects.get().key == "new"


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_does_it():
    team = factories.team(slug="acme")
    factories.appliance(team=team, slug="wiki")
    text = issue(team, "build")
    barrier = Barrier(2)

    def send(number: int) -> tuple[int, str]:
        try:
            barrier.wait(10)
            response = Program(text)("POST", RELEASES, BODY, Idempotency_Key="one")
            return response.status_code, response.json().get("type", "")
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(send, range(2)))
    assert Release.objects.count() == 1
    assert (201, "") in answers
    # The other was told to wait, or came late enough for the same answer.
    assert set(answers) <= {(201, ""), (409, "/api/#problem-in-progress")}
