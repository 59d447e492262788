"""Builds: how far, what they say, and what happens when the token is gone in the middle."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from appliances.models import Token
from tests import factories
from tests.waiting import wait_for

from .conftest import Program, issue


def build_of(wiki, **fields):
    return factories.build(factories.revision(factories.release(appliance=wiki)), **fields)


@pytest.mark.django_db
def test_a_build_with_its_steps(program, wiki):
    build = build_of(wiki, state="running")
    build.steps.create(position=0, title="Prepare the base", state="succeeded")
    build.steps.create(position=1, title="Launch", state="running", fraction=0.5)
    found = program()("GET", f"builds/{build.pk}").json()
    assert [step["state"] for step in found["steps"]] == ["succeeded", "running"]
    assert found["percent"] == 75
    assert found["final"] is False


@pytest.mark.django_db
def test_steps_say_when_they_ran_and_which_were_reused(program, wiki):
    start = timezone.now() - timedelta(seconds=60)
    build = build_of(wiki, state="running", started_at=start)
    first = {"state": "succeeded", "fraction": 1, "started_at": start, "finished_at": start + timedelta(seconds=4)}
    build.steps.create(position=0, title="Start the machine", **first)
    build.steps.create(position=1, title="1. shell: install.sh", state="reused", fraction=1)
    build.steps.create(position=2, title="Clean and shut down")
    found = program()("GET", f"builds/{build.pk}").json()
    assert [(step["state"], step["seconds"]) for step in found["steps"]] == [
        ("succeeded", 4), ("reused", None), ("pending", None)
    ]  # fmt: skip
    assert [bool(step["started_at"] and step["finished_at"]) for step in found["steps"]] == [True, False, False]
    assert found["percent"] == 50  # what is reused is no work


@pytest.mark.django_db
def test_one_that_waits_says_for_what(program, wiki):
    found = program()("GET", f"builds/{build_of(wiki).pk}").json()
    assert found["waits"] == "waits for the queue, which does not answer"


@pytest.mark.django_db
def test_the_log_goes_on_after_what_was_read(program, wiki):
    build = build_of(wiki, state="running")
    for number in range(3):
        build.log.create(sequence=number, text=f"line {number}\n")
    ci = program()
    log = ci("GET", f"builds/{build.pk}/log?after=0").json()
    assert [chunk["text"] for chunk in log["chunks"]] == ["line 1\n", "line 2\n"]
    assert (log["after"], log["final"]) == (2, False)
    type(build).objects.update(state="failed")
    log = ci("GET", f"builds/{build.pk}/log?after=2&wait=20").json()
    assert (log["chunks"], log["final"], log["state"]) == ([], True, "failed")


@pytest.mark.django_db
def test_cancelled_and_tried_again(program, wiki):
    build = build_of(wiki)
    ci = program()
    assert ci("POST", f"builds/{build.pk}/cancel").json()["state"] == "cancelled"
    assert ci("POST", f"builds/{build.pk}/cancel").json()["state"] == "cancelled"
    again = ci("POST", f"builds/{build.pk}/retry").json()
    assert again["state"] == "queued"
    assert again["number"] != build.pk
    assert ci("POST", f"builds/{build.pk}/retry").json()["number"] == again["number"]
    filtered = ci("GET", "builds?state=cancelled&appliance=acme/wiki&version=1.0.0").json()["items"]
    assert [each["number"] for each in filtered] == [build.pk]


@pytest.mark.django_db
def test_others_builds_are_no_more_than_places_in_the_queue(program, wiki):
    build_of(wiki)
    factories.build()
    entries = program()("GET", "queue").json()["entries"]
    assert [each["appliance"] for each in entries] == ["acme/wiki", None]
    assert entries[1]["build"] is None


@pytest.mark.django_db
def test_pages_hold_what_was_there(program, wiki):
    revision = factories.revision(factories.release(appliance=wiki))
    numbers = [factories.build(revision, state="failed").pk for _ in range(5)]
    ci = program()
    first = ci("GET", "builds?limit=2")
    assert first["Link"] == f'<{first.json()["next"]}>; rel="next"'
    factories.build(revision, state="failed")  # new ones shift nothing
    found = [each["number"] for each in first.json()["items"]]
    following = first.json()["next"]
    while following:
        page = ci("GET", following.partition("/api/v1/")[2]).json()
        found += [each["number"] for each in page["items"]]
        following = page["next"]
    assert found == numbers[::-1]


@pytest.fixture
def waiting(transactional_db):
    """A program that waits for the log of a build that says nothing; gives the build, and the answer to come."""
    team = factories.team(slug="acme")
    build = build_of(factories.appliance(team=team, slug="wiki"), state="running")
    text = issue(team)

    def ask():
        try:
            return Program(text)("GET", f"builds/{build.pk}/log?wait=20")
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as threads:
        answer = threads.submit(ask)
        wait_for(lambda: Token.objects.get().used_at)
        yield build, answer


def test_a_program_hears_what_is_said_while_it_waits(waiting):
    build, answer = waiting
    build.log.create(sequence=0, text="working\n")
    assert answer.result(30).json()["chunks"][0]["text"] == "working\n"


def test_a_token_that_is_revoked_opens_nothing_in_the_middle_either(waiting):
    _, answer = waiting
    Token.objects.all().delete()
    assert answer.result(30).status_code == 401


def test_nor_does_one_whose_team_is_no_longer_its_owners(waiting):
    _, answer = waiting
    Token.objects.update(team=None, user=factories.user())
    assert answer.result(30).status_code == 404
