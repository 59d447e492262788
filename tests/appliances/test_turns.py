"""One worker at a time looks at a repository; one that died holds it for less than a minute."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliances import turns
from appliances.models import Repository
from appliances.turns import Turn
from tests.appliances.followed import repository, server
from tests.waiting import wait_for

__all__ = ["repository", "server"]


@pytest.fixture
def asked(repository):
    Repository.objects.filter(pk=repository.pk).update(asked=3, taken=1)
    return repository


def test_only_one_worker_has_it(asked):
    assert Turn(asked.pk).begin()
    Repository.objects.filter(pk=asked.pk).update(asked=4)
    assert not Turn(asked.pk).begin()


def test_nothing_asked_is_no_turn(asked):
    Repository.objects.filter(pk=asked.pk).update(taken=3)
    assert not Turn(asked.pk).begin()


def test_whoever_has_it_may_go_on_with_what_was_asked_meanwhile(asked):
    turn = Turn(asked.pk)
    turn.begin()
    Repository.objects.filter(pk=asked.pk).update(asked=4)
    assert not turn.end(anyway=False)
    assert turn.begin()
    assert turn.end(anyway=False)
    asked.refresh_from_db()
    assert (asked.taken, asked.looking_until) == (4, None)


def test_a_worker_that_died_loses_it_within_a_minute(asked):
    Turn(asked.pk).begin()
    asked.refresh_from_db()
    assert asked.looking_until - timezone.now() < timedelta(minutes=1)
    Repository.objects.filter(pk=asked.pk).update(asked=4, looking_until=timezone.now() - timedelta(seconds=1))
    assert Turn(asked.pk).begin()


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_lives_keeps_it(asked, monkeypatch):
    monkeypatch.setattr(turns, "RENEWAL", 0.02)
    turn = Turn(asked.pk)
    turn.begin()
    asked.refresh_from_db()
    first = asked.looking_until
    with turn:
        wait_for(lambda: Repository.objects.get(pk=asked.pk).looking_until > first)
    assert turn.end(anyway=True)
    asked.refresh_from_db()
    assert asked.looking_until is None


def test_a_turn_that_was_lost_is_not_taken_back(asked):
    late = Turn(asked.pk)
    late.begin()
    Repository.objects.filter(pk=asked.pk).update(asked=4, looking_until=timezone.now() - timedelta(seconds=1))
    Turn(asked.pk).begin()
    late.renew()
    assert not late.end(anyway=True)
    asked.refresh_from_db()
    assert asked.looking_until is not None
