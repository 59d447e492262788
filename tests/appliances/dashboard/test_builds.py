"""The build page and its live parts."""

from datetime import timedelta

import pytest
from django.utils import timezone

from appliances.models import Role
from builds.models import Build, LogChunk, Step
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def build(client) -> Build:
    """Running for a minute: one step done, one half done, one to come."""
    team = factories.team(slug="acme")
    revision = factories.revision(factories.release(appliance=factories.appliance(team=team, slug="wiki")))
    start = timezone.now() - timedelta(seconds=60)
    found = factories.build(revision, state="running", started_at=start)
    middle = start + timedelta(seconds=30)
    step(found, 0, "Start", state="succeeded", fraction=1, started_at=start, finished_at=middle)
    step(found, 1, "Install", state="running", fraction=0.5, started_at=middle)
    step(found, 2, "Convert")
    write(found, 0, 0, "first line\n")
    client.force_login(factories.member(team, Role.MAINTAINER))
    return found


def step(build: Build, position: int, title: str, **fields) -> None:
    Step.objects.create(build=build, position=position, title=title, **fields)


def write(build: Build, sequence: int, position: int, line: str) -> None:
    step = build.steps.get(position=position)
    LogChunk.objects.create(build=build, sequence=sequence, step=step, text=line)


def text(response) -> str:
    return response.content.decode()


def test_progress_is_exact(client, build):
    assert client.get(f"/builds/{build.pk}").context["progress"].percent == 50.0


def test_progress_weighs_what_steps_took_before(client, build):
    start = timezone.now() - timedelta(days=1)
    ended = {"state": "succeeded", "started_at": start, "finished_at": start + timedelta(seconds=100)}
    former = factories.build(factories.revision(build.revision.release), **ended)
    for position, (title, seconds) in enumerate([("Start", 10), ("Install", 80), ("Convert", 10)]):
        step(former, position, title, **ended | {"finished_at": start + timedelta(seconds=seconds)})
    progress = client.get(f"/builds/{build.pk}").context["progress"]
    assert (progress.percent, progress.expected) == (50.0, 100.0)  # 10 + 80/2


def test_live_answers_bring_only_what_is_new_and_end(client, build):
    write(build, 1, 0, "second line\n")
    write(build, 2, 1, "of the next step <b>\n")
    page = text(client.get(f"/builds/{build.pk}/live?after=0"))
    assert "first line" not in page
    assert "second line" in page
    assert page.count("<h3") == 1  # the second line goes on under the heading that is there
    assert 'id="step-1"' in page
    assert "&lt;b&gt;" in page
    assert "after=2" in page
    nothing = client.get(f"/builds/{build.pk}/live?after=2")
    assert nothing.status_code == 200
    assert "beforeend" not in text(nothing)
    Build.objects.update(state="succeeded", finished_at=timezone.now())
    last = client.get(f"/builds/{build.pk}/live?after=2")
    assert last.status_code == 286
    assert "hx-trigger" not in text(last)


@pytest.mark.parametrize("after", ["", "x", "--1", "99999999999999999999999"])
def test_a_broken_position_is_no_error(client, build, after):
    assert client.get(f"/builds/{build.pk}/live?after={after}").status_code == 200


def test_a_failure_comes_first_with_its_last_lines_and_what_to_do(client, build):
    write(build, 1, 1, "E: Unable to locate package\n")
    build.steps.filter(position=1).update(state="failed")
    Build.objects.update(state="failed", finished_at=timezone.now(), error="Install failed.", hint="Mend it.")
    page = text(client.get(f"/builds/{build.pk}"))
    failure = page.index("Install failed.")
    assert failure < page.index("Mend it.") < page.index("E: Unable to locate package") < page.index('id="steps"')
    assert "Try again" in page
    assert "/retry" in page


def test_the_whole_log_is_plain_text(client, build):
    write(build, 1, 1, "second <line>\n")
    response = client.get(f"/builds/{build.pk}/log")
    assert b"".join(response.streaming_content) == b"first line\nsecond <line>\n"
    assert response["Content-Type"].startswith("text/plain")


def test_cancelling_asks_the_worker(client, build):
    for _ in range(2):
        assert client.post(f"/builds/{build.pk}/cancel").status_code == 302
    build.refresh_from_db()
    assert build.state == "cancelling"


def test_retrying_twice_makes_one_build(client, build):
    Build.objects.update(state="failed")
    type(build.revision).objects.update(state="failed")
    addresses = {client.post(f"/builds/{build.pk}/retry")["Location"] for _ in range(2)}
    assert len(addresses) == 1
    assert Build.objects.count() == 2


def test_viewers_have_no_buttons(client, build):
    client.force_login(factories.member(build.revision.release.appliance.team, Role.VIEWER))
    assert "/cancel" not in text(client.get(f"/builds/{build.pk}"))


def test_what_an_unfinished_build_has_is_shown_but_not_to_be_had(client, build):
    Build.objects.update(state="failed", finished_at=timezone.now(), error="Copying failed.")
    factories.artifact(build, format="raw", name="wiki.raw", file="artifacts/1/wiki.raw", intermediate=True)
    factories.artifact(build, format="ami", reference="ami-1", region="us-east-1", name="")
    page = text(client.get(f"/builds/{build.pk}"))
    for part in ("ami-1", "us-east-1", "wiki.raw", "only for the import", "does only the rest"):
        assert part in page
    assert "/r1/wiki.raw" not in page


def test_a_build_that_waits_says_for_what_and_when_its_turn_comes(client, build, redis):
    Build.objects.update(state="queued", started_at=None)
    build.steps.all().delete()
    page = text(client.get(f"/builds/{build.pk}"))
    assert "no worker for qemu is running" in page
    assert "number 1 in line" in page
