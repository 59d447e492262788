"""Times of cron expressions, most of all when clocks change."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from appliances import clock

BERLIN = ZoneInfo("Europe/Berlin")


def times(cron: str, after: datetime, count: int = 3) -> list[str]:
    return [str(each) for each in islice(clock.times(cron, "Europe/Berlin", after), count)]


def test_a_time_that_is_left_out_comes_once_right_after():
    # On 28 March 2027 clocks go from 2:00 to 3:00.
    assert times("30 2 * * *", datetime(2027, 3, 27, 12, tzinfo=BERLIN)) == [
        "2027-03-28 03:00:00+02:00",
        "2027-03-29 02:30:00+02:00",
        "2027-03-30 02:30:00+02:00",
    ]
    right_after = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)  # 3:00 in Berlin: it has just run
    assert times("30 2 * * *", right_after, 1) == ["2027-03-29 02:30:00+02:00"]


@pytest.mark.parametrize("minute", [0, 30, 59])
def test_a_time_that_comes_twice_counts_once(minute):
    # On 25 October 2026 clocks go from 3:00 back to 2:00: 2:30 is at 0:30 and at 1:30 UTC.
    assert times("30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=BERLIN), 2) == [
        "2026-10-25 02:30:00+02:00",
        "2026-10-26 02:30:00+01:00",
    ]
    second_half = datetime(2026, 10, 25, 1, minute, tzinfo=UTC)
    assert times("30 2 * * *", second_half, 1) == ["2026-10-26 02:30:00+01:00"]


def test_what_comes_every_hour_goes_on_through_both_changes():
    for start in (datetime(2026, 10, 24, 23, tzinfo=UTC), datetime(2027, 3, 27, 23, tzinfo=UTC)):
        found = list(islice(clock.times("0 * * * *", "Europe/Berlin", start), 5))
        assert [each.astimezone(UTC).hour for each in found] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("cron", "zone", "field", "problem"),
    [
        ("0 3 * *", "UTC", "cron", "five fields"),
        ("0 0 3 * * *", "UTC", "cron", "five fields"),
        ("0 25 * * *", "UTC", "cron", "Bad hour"),
        ("0 3 30 2 *", "UTC", "cron", "Bad day-of-month"),
        ("*/5 * * * *", "UTC", "cron", "more often than once an hour"),
        ("0,30 3 * * *", "UTC", "cron", "more often than once an hour"),
        ("0 3 * * *", "Europe/Atlantis", "zone", "no time zone"),
        ("0 3 * * *", "../../etc/passwd", "zone", "no time zone"),
    ],
)
def test_what_is_wrong_is_said(cron, zone, field, problem):
    assert problem in clock.problems(cron, zone)[field]


@pytest.mark.parametrize("cron", ["0 * * * *", "0 3 * * MON", "30 2 29 2 *", "0 3 * * 1-5"])
def test_what_is_right_passes_and_has_words(cron):
    assert clock.problems(cron, "Europe/Berlin") == {}
    assert clock.in_words(cron)
