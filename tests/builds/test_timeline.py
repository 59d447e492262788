"""Where the time went, in numbers: what overlaps, what nobody measured, and which step is which of the build before."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from builds.models import Build, Step
from builds.timeline import Compared, Run, Span, beside, biggest, compare, run

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def done(title: str, start: float, end: float) -> Span:
    return Span(title, "succeeded", start, end)


def reused(title: str) -> Span:
    return Span(title, "reused")


def titles(compared: list[Compared]) -> list[tuple[str | None, str | None]]:
    return [(each.span and each.span.title, each.former and each.former.title) for each in compared]


class TestRun:
    def test_counts_from_the_start_and_what_still_runs_to_now(self):
        build = Build(pk=7, state="running", queued_at=at(-5), started_at=at(0))
        steps = [
            Step(title="Start", state="succeeded", started_at=at(1), finished_at=at(4)),
            Step(title="Install", state="running", started_at=at(4)),
            Step(title="Convert", state="pending"),
        ]
        found = run(build, steps, now=at(10))
        assert (found.waited, found.seconds) == (5, 10)
        assert [(span.start, span.seconds) for span in found.spans] == [(1, 3), (4, 6), (None, None)]

    def test_nothing_grows_after_the_end(self):
        build = Build(pk=7, state="failed", queued_at=at(0), started_at=at(0), finished_at=at(8))
        left = Step(title="Install", state="failed", started_at=at(2))
        assert run(build, [left], now=at(1000)).spans[0].seconds == 6

    def test_one_that_waits_has_waited_until_now(self):
        found = run(Build(pk=7, state="queued", queued_at=at(0)), [], now=at(30))
        assert (found.waited, found.seconds, found.unmeasured) == (30, None, 0)

    def test_one_that_ended_in_the_queue_waited_until_then(self):
        build = Build(pk=7, state="cancelled", queued_at=at(0), finished_at=at(20))
        assert run(build, [], now=at(900)).waited == 20

    def test_clocks_that_disagree_make_nothing_negative(self):
        build = Build(pk=7, state="succeeded", queued_at=at(3), started_at=at(0), finished_at=at(8))
        step = Step(title="Start", state="succeeded", started_at=at(4), finished_at=at(3.9))
        found = run(build, [step], now=at(8))
        assert (found.waited, found.spans[0].seconds) == (0, 0)

    @pytest.mark.parametrize(
        ("spans", "seconds"),
        [
            ([], 20),
            ([done("a", 0, 20)], 0),
            ([done("a", 2, 8), done("b", 8, 10), done("c", 15, 20)], 7),
            ([done("a", 0, 10), done("b", 2, 4), done("c", 9, 12)], 8),  # side by side counts once
            ([done("a", 0, 5), reused("b"), done("c", 5, 20)], 0),
        ],
    )
    def test_what_no_step_measured_is_the_rest(self, spans, seconds):
        assert Run(7, "succeeded", 0, 20, tuple(spans)).unmeasured == seconds


class TestCompare:
    def test_the_number_of_a_provisioner_counts_for_nothing(self):
        now = [done("1. file: new", 0, 1), done("2. shell: install.sh", 1, 9)]
        found = compare(now, [done("1. shell: install.sh", 0, 5)])
        assert titles(found) == [("1. file: new", None), ("2. shell: install.sh", "1. shell: install.sh")]
        assert [each.change for each in found] == [None, 3]

    def test_of_equal_titles_the_first_belongs_to_the_first(self):
        found = compare(
            [done("1. shell: apt", 0, 1), done("2. shell: apt", 1, 3)],
            [done("1. shell: apt", 0, 10), done("2. shell: apt", 10, 30)],
        )
        assert [each.change for each in found] == [-9, -18]

    def test_an_edited_step_is_the_one_in_its_place(self):
        found = compare(
            [done("Start", 0, 1), done("1. shell: apt install nginx curl", 1, 6)],
            [done("Start", 0, 1), done("1. shell: apt install nginx", 1, 4)],
        )
        assert [each.change for each in found] == [0, 2]

    def test_another_kind_in_its_place_is_another_step(self):
        found = compare([done("1. ansible: site.yml", 0, 6)], [done("1. shell: site.sh", 0, 4)])
        assert titles(found) == [("1. ansible: site.yml", None), (None, "1. shell: site.sh")]

    def test_a_reused_step_saves_what_it_took(self):
        assert compare([reused("1. shell: a")], [done("1. shell: a", 0, 40)])[0].change == -40
        assert compare([done("1. shell: a", 0, 40)], [reused("1. shell: a")])[0].change == 40

    @pytest.mark.parametrize("state", ["running", "failed", "pending", "skipped"])
    def test_what_was_not_done_to_its_end_is_not_compared(self, state):
        span = Span("Start", state, 0, 3)
        assert compare([span], [done("Start", 0, 9)])[0].change is None
        assert compare([done("Start", 0, 9)], [span])[0].change is None


class TestBiggest:
    def test_is_the_step_that_changed_most_in_that_direction(self):
        found = compare([done("a", 0, 50), done("b", 50, 55)], [done("a", 0, 20), done("b", 20, 90)])
        assert biggest(found, -35).title == "b"
        assert biggest(found, 35).title == "a"

    def test_may_be_a_step_that_is_new_or_gone(self):
        found = compare([done("1. file: new", 0, 30)], [done("1. shell: old", 0, 60)])
        assert (biggest(found, 1).title, biggest(found, -1).title) == ("1. file: new", "1. shell: old")

    def test_is_none_when_no_step_explains_it(self):
        assert biggest(compare([done("a", 0, 5)], [done("a", 0, 5)]), 20) is None
        assert biggest([], -20) is None


def test_steps_beside_each_other_are_those_that_overlap():
    spans = [done("a", 0, 5), done("b", 5, 20), done("c", 5, 9), done("d", 19.9, 30), Span("e", "pending")]
    assert beside(spans) == [False, False, True, False, False]
