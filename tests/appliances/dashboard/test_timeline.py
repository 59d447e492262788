"""The steps of a build as bars, and what the page says about them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from appliances.dashboard.timeline import Axis, clock, signed
from appliances.models import Revision, Role
from builds.models import Build
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def revision(client) -> Revision:
    team = factories.team(slug="acme")
    client.force_login(factories.member(team, Role.VIEWER))
    return factories.revision(factories.release(appliance=factories.appliance(team=team, slug="wiki")))


@pytest.fixture
def page(client):
    def page(build: Build) -> str:
        return client.get(f"/builds/{build.pk}").content.decode()

    return page


def built(revision: Revision, *steps: tuple, state: str = "succeeded", ago: float = 1000, **fields) -> Build:
    """A build of these steps: title, start, end, and a state if it did not succeed."""
    start = timezone.now() - timedelta(seconds=ago)
    length = max((step[2] or 0 for step in steps), default=0)
    times = {"started_at": start, "finished_at": None if state == "running" else after(start, length)}
    found = factories.build(revision, **{"state": state, **times, **fields})
    Build.objects.filter(pk=found.pk).update(queued_at=fields.get("queued_at", start))
    for position, (title, began, ended, *how) in enumerate(steps, 1):
        found.steps.create(
            position=position, title=title, state=how[0] if how else "succeeded",
            started_at=after(start, began), finished_at=after(start, ended),
        )  # fmt: skip
    return found


def after(start: datetime, seconds: float | None) -> datetime | None:
    return None if seconds is None else start + timedelta(seconds=seconds)


def row(page: str, title: str) -> str:
    return next(each for each in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if f">{title}<" in each)


def sentence(page: str) -> str:
    return re.search(r'id="time-went">(.*?)</p>', page).group(1)


def numbers(page: str, title: str) -> list[str]:
    """Took, before, change."""
    return re.findall(r'<td class="time[^>]*>(.*?)</td>', row(page, title))


def bar(page: str, title: str, tone: str) -> tuple[float, float]:
    """Left and width, in percent."""
    found = re.search(rf'<rect class="{tone}" x="([\d.]+)%" y="\d+" width="([\d.]+)%"', row(page, title))
    return float(found.group(1)), float(found.group(2))


def test_says_how_it_compares_with_the_build_before_and_why(page, revision):
    former = built(revision, ("Start", 0, 20), ("1. shell: install.sh", 20, 171))
    build = built(revision, ("Start", 0, 17), ("1. shell: install.sh", 17, 130))
    shown = page(build)
    assert sentence(shown) == (
        f"2 min 10 s, 41 s faster than build {former.pk}; most of it: 1. shell: install.sh (−38 s)."
    )
    assert numbers(shown, "Start") == ["17 s", "20 s", "−3.0 s"]
    assert numbers(shown, "Together") == ["2 min 10 s", "2 min 51 s", "−41 s"]
    assert bar(shown, "Start", "good")[1] < bar(shown, "Start", "former")[1]


def test_compares_with_the_newest_that_succeeded_before_it(page, revision):
    good = built(revision, ("Start", 0, 10))
    built(revision, ("Start", 0, 10, "failed"), state="failed")
    built(factories.revision(), ("Start", 0, 10))  # another appliance's
    built(revision, ("Start", 0, 10), platform="ec2")
    built(revision, ("Test", 0, 1), resumes=good)  # did only a rest
    build = built(revision, ("Start", 0, 10))
    built(revision, ("Start", 0, 99))  # later
    assert sentence(page(build)) == f"10 s, as long as build {good.pk}."


def test_compares_with_one_that_failed_when_there_is_nothing_better(page, revision):
    former = built(revision, ("Start", 0, 10), ("Install", 10, 12, "failed"), state="failed")
    shown = page(built(revision, ("Start", 0, 30), ("Install", 30, 60)))
    assert sentence(shown) == f"1 min 00 s; build {former.pk} failed after 12 s."
    assert [numbers(shown, title)[2] for title in ("Start", "Install", "Together")] == ["+20 s", "", ""]


def test_the_first_is_compared_with_nothing(page, revision):
    shown = page(built(revision, ("Start", 0, 10)))
    assert "no earlier build" in sentence(shown)
    assert numbers(shown, "Start") == ["10 s"]
    assert ">Change<" not in shown


def test_a_build_of_a_rest_is_not_compared_as_a_whole(page, revision):
    former = built(revision, ("Install", 0, 100), ("Copy", 100, 120))
    shown = page(built(revision, ("Copy", 0, 15), resumes=former))
    assert sentence(shown) == f"15 s; build {former.pk} took 2 min 00 s."
    assert numbers(shown, "Copy")[2] == "−5.0 s"
    assert ">Install<" not in shown  # it was done before, and is not gone


def test_steps_that_a_layer_made_unnecessary_are_drawn_as_reused(page, revision):
    built(revision, ("Start", 0, 20), ("1. shell: install.sh", 20, 140), ("Convert", 140, 150))
    steps = ("Start", 0, 3), ("1. shell: install.sh", None, None, "reused"), ("Convert", 3, 13)
    shown = page(built(revision, *steps))
    assert "(reused, −2 min 00 s)" in sentence(shown)
    assert "<circle" in row(shown, "1. shell: install.sh")
    assert "reused" in row(shown, "1. shell: install.sh")
    assert numbers(shown, "1. shell: install.sh")[0] == "–"
    assert "longer than drawn" in row(shown, "1. shell: install.sh")


def test_the_wait_in_the_queue_comes_first_and_never_hides_the_rest(page, revision):
    build = built(revision, ("Start", 0, 100), ago=10_000)
    Build.objects.filter(pk=build.pk).update(queued_at=build.started_at - timedelta(hours=2))
    shown = page(build)
    assert numbers(shown, "In the queue") == ["2 h 00 min"]
    assert "longer than drawn" in row(shown, "In the queue")
    assert bar(shown, "Start", "good") == (20, 80)


def test_steps_side_by_side_are_so_on_the_axis_and_gaps_are_seen(page, revision):
    shown = page(built(revision, ("Convert", 0, 40), ("Test QCOW2", 50, 90), ("Test OVA", 50, 100)))
    assert (bar(shown, "Test QCOW2", "good"), bar(shown, "Test OVA", "good")) == ((50, 40), (50, 50))
    assert [title for title in ("Convert", "Test QCOW2", "Test OVA") if 'class="beside"' in row(shown, title)] == [
        "Test OVA"
    ]
    assert numbers(shown, "Between the steps") == ["10 s"]


def test_a_failed_step_is_marked_and_the_sentence_says_when(page, revision):
    shown = page(built(revision, ("Start", 0, 10, "failed"), ("Install", None, None, "skipped"), state="failed"))
    assert sentence(shown).startswith("Failed after 10 s.")
    assert bar(shown, "Start", "bad") == (0, 100)


def test_what_is_to_come_is_expected_where_the_former_build_had_it(client, page, revision):
    built(revision, ("Start", 0, 20), ("Install", 20, 100), ("Convert", 100, 200))
    steps = ("Start", 0, 40), ("Install", 40, None, "running"), ("Convert", None, None, "pending")
    build = built(revision, *steps, state="running", ago=50)
    shown = page(build)
    assert "so far; build" in sentence(shown)
    left, width = bar(shown, "Convert", "former")
    assert left == pytest.approx(100 * 120 / 220, abs=1)  # it is 20 s behind
    assert left + width == pytest.approx(100, abs=1)
    assert 'class="timing"' in client.get(f"/builds/{build.pk}/live?after=-1").content.decode()


def test_a_step_that_is_new_and_one_that_is_gone_say_so(page, revision):
    built(revision, ("Start", 0, 10), ("1. file: site", 10, 20))
    shown = page(built(revision, ("Start", 0, 10), ("1. shell: site.sh", 10, 40)))
    assert sentence(shown).endswith("most of it: 1. shell: site.sh (new, +30 s).")
    assert numbers(shown, "1. shell: site.sh") == ["30 s", "new", ""]
    assert "gone" in row(shown, "1. file: site")


def test_titles_are_text(page, revision):
    built(revision, ("1. shell: <b>", 0, 10))
    shown = page(built(revision, ("1. shell: <b>", 0, 100)))
    assert "<b>" not in shown
    assert "&lt;b&gt; (+1 min 30 s)" in sentence(shown)


def test_one_that_waits_has_no_steps_yet_whatever_the_former_had(page, revision, redis):
    built(revision, ("Start", 0, 10))
    shown = page(factories.build(revision))
    assert "The steps are known as soon as" in shown
    assert ">Start<" not in shown


def test_takes_the_same_few_queries_however_many_steps_there_are(client, revision, django_assert_max_num_queries):
    def look(steps: int) -> int:
        plan = [(f"{n}. shell: step {n}", n, n + 1) for n in range(steps)]
        built(revision, *plan)
        build = built(revision, *plan)
        with django_assert_max_num_queries(20) as queries:
            client.get(f"/builds/{build.pk}")
        return len(queries)

    assert look(2) == look(30)


@pytest.mark.parametrize(
    ("last", "labels"),
    [(0.4, ["0 s"]), (4, ["0 s", "1 s", "2 s", "3 s"]), (130, ["0 s", "30 s", "1 min", "1:30 min", "2 min"])],
)
def test_the_axis_has_a_few_round_ticks(last, labels):
    assert [label for _, label in Axis(0, last).ticks()] == labels


def test_words_for_seconds():
    assert [clock(each) for each in (0, 90, 600, 5400, 7200)] == ["0 s", "1:30 min", "10 min", "90 min", "2 h"]
    assert [signed(each) for each in (12, -3.4, 0.01)] == ["+12 s", "−3.4 s", "±0 s"]
