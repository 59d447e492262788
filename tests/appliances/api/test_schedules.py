"""Rebuilds by the clock, through the API."""

import pytest

from appliances.models import Schedule

pytestmark = pytest.mark.django_db
SCHEDULES = "appliances/acme/wiki/schedules"
MONDAYS = {"cron": "0 3 * * mon", "zone": "Europe/Berlin"}


def test_from_the_first_run_to_the_last(program, wiki):
    ci = program()
    made = ci("POST", SCHEDULES, MONDAYS)
    assert made.status_code == 201
    schedule = made.json()
    assert (schedule["cron"], schedule["on"], schedule["stops_after"]) == ("0 3 * * MON", True, 3)
    assert schedule["next_at"]
    one = f"{SCHEDULES}/{schedule['number']}"
    assert ci("POST", f"{one}/stop").json()["next_at"] is None
    assert ci("POST", f"{one}/start").json()["next_at"] == schedule["next_at"]
    changed = ci("PATCH", one, {"cron": "0 4 * * *"}).json()
    assert (changed["cron"], changed["zone"], changed["on"]) == ("0 4 * * *", "Europe/Berlin", True)
    assert [each["number"] for each in ci("GET", SCHEDULES).json()] == [schedule["number"]]
    assert ci("DELETE", one).status_code == 204
    assert ci("DELETE", one).status_code == 404
    assert not Schedule.objects.exists()


def test_who_added_it_is_known(program, wiki):
    ci = program()
    ci("POST", SCHEDULES, MONDAYS)
    assert wiki.events.get(name="scheduled").via == "token ci"
    assert Schedule.objects.get().created_by is not None


@pytest.mark.parametrize(("wrong", "path"), [({"cron": "every day"}, "cron"), ({"zone": "Moon/Base"}, "zone")])
def test_what_is_wrong_is_named(program, wiki, wrong, path):
    refused = program()("POST", SCHEDULES, MONDAYS | wrong)
    assert refused.status_code == 422
    assert [each["path"] for each in refused.json()["problems"]] == [path]


def test_two_are_not_alike(program, wiki):
    ci = program()
    assert ci("POST", SCHEDULES, MONDAYS).status_code == 201
    assert ci("POST", SCHEDULES, MONDAYS).status_code == 422
    assert Schedule.objects.count() == 1
