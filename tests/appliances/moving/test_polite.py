"""What an import does when the source asks it to wait, is away, breaks off, or sends it elsewhere."""

from __future__ import annotations

import random
import time

import pytest

from appliances.models import Appliance, Release
from appliances.moving import web

from .registry import box, serving

pytestmark = pytest.mark.django_db
DEMO = "acme/demo"
LIST = f"/api/v2/box/{DEMO}"
CONTENT = box("hyperv", random.Random(5).randbytes(500_000))


@pytest.fixture
def path(registry) -> str:
    """Of the one file that there is."""
    told = registry.provider(DEMO, "1.0.0", "hyperv", CONTENT)
    registry.version(DEMO, "1.0.0", told)
    return str(told["download_url"].removeprefix(registry.url))


def ranges(registry, path) -> list[str]:
    return [headers.get("range", "") for asked, headers in registry.asked if asked == path]


@pytest.fixture
def slept(monkeypatch) -> list[float]:
    """For how long it would have slept."""
    told: list[float] = []
    monkeypatch.setattr(time, "sleep", told.append)
    return told


def test_it_waits_as_long_as_it_is_told(registry, move, path, slept):
    registry.faults[LIST] = [(429, {"Retry-After": "7"}), (503, {"Retry-After": "Thu, 01 Jan 1970 00:00:00 GMT"})]
    registry.faults[path] = [(429, {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9"}), (502, {})]
    said = move(DEMO)
    assert said.status == 0
    assert [round(seconds) for seconds in slept if seconds > 1] == [7, 9]
    assert "it answered 429; going on in 7 s" in said.err


def test_it_asks_no_more_once_its_limit_is_reached(registry, move, path, slept):
    moment = str(int(time.time()) + 600)
    registry.faults[LIST] = [(302, {"Location": LIST, "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": moment})]
    assert move(DEMO).status == 0
    assert [590 < seconds <= 600 for seconds in slept if seconds > 1] == [True]


def test_it_ends_rather_than_wait_for_hours(registry, move, path, slept):
    registry.faults[path] = [(429, {"Retry-After": str(web.LONGEST + 1)})]
    said = move(DEMO)
    assert (said.status, said.report["broken_off"]) == (1, True)
    assert "asks to be left alone for 60 minutes" in said.err
    assert Release.objects.get().state == "draft"
    assert move(DEMO).status == 0
    assert Release.objects.get().state == "published"


def test_a_source_that_is_away_ends_it_with_what_was_done(registry, move, path):
    registry.version(DEMO, "1.1.0", told := registry.provider(DEMO, "1.1.0", "hyperv"))
    registry.faults[told["download_url"].removeprefix(registry.url)] = [(503, {})] * 10
    said = move(DEMO)
    assert (said.status, said.report["complete"], said.report["broken_off"]) == (1, False, True)
    assert said.rows("taken") == [("1.0.0", "hyperv", "amd64")]
    assert "it answered 503" in said.err


def test_a_broken_connection_is_taken_up_where_it_broke(registry, move, path):
    registry.cut[path] = [100_000, 0, 30_000]
    assert move(DEMO).status == 0
    assert ranges(registry, path) == ["", "bytes=100000-", "bytes=100000-", "bytes=130000-"]
    conditions = {headers.get("if-range") for asked, headers in registry.asked if asked == path}
    assert len(conditions) == 2


def test_a_file_that_changed_meanwhile_is_begun_anew(registry, move, path):
    registry.cut[path] = [100_000]
    registry.tags[path] = ['"before"', '"after"']
    assert move(DEMO).status == 0
    assert registry.asked[-1][1]["if-range"] == '"before"'


def test_the_beginning_of_another_file_under_the_same_tag_is_noticed(registry, move, path):
    registry.tags[path] = ['"the same"']
    registry.files[path] = b"x" * len(CONTENT)
    registry.cut[path] = [100_000, 0, 0, 0, 0]
    assert move(DEMO).report["broken_off"]
    registry.files[path], registry.cut[path] = CONTENT, []
    assert move(DEMO).status == 0
    assert ranges(registry, path)[-2:] == ["bytes=100000-", ""]


def test_a_token_is_shown_to_its_own_server_alone(registry, move, path, monkeypatch):
    monkeypatch.setenv("THEIR_TOKEN", "open sesame")
    with serving() as elsewhere:
        elsewhere.files["/signed"] = CONTENT
        registry.faults[path] = [(302, {"Location": f"{elsewhere.url}/signed?signature=secret"})]
        said = move(DEMO, "--token-from-env", "THEIR_TOKEN")
        assert said.status == 0
        assert {headers.get("authorization") for _, headers in registry.asked} == {"Bearer open sesame"}
        assert [headers.get("authorization") for _, headers in elsewhere.asked] == [None]
    assert "open sesame" not in said.err
    assert "signature" not in said.err


def test_a_token_can_come_from_standard_input(registry, move, path, monkeypatch, tmp_path):
    (tmp_path / "token").write_text("open sesame\n")
    with (tmp_path / "token").open() as file:
        monkeypatch.setattr("sys.stdin", file)
        assert move(DEMO, "--with-token").status == 0
    assert registry.asked[0][1]["authorization"] == "Bearer open sesame"


@pytest.mark.parametrize("status", [401, 403])
def test_what_it_may_not_read_is_said_with_the_next_thing_to_do(registry, move, path, status):
    registry.faults[LIST] = [(status, {})]
    said = move(DEMO)
    assert said.status == 1
    assert "--token-from-env" in said.report["left"][0]["hint"]


def test_a_circle_of_redirects_has_an_end(registry, move, path):
    registry.faults[path] = [(302, {"Location": path})] * 50
    said = move(DEMO)
    assert (said.status, said.rows("left")) == (1, [("1.0.0", "hyperv", "amd64")])


@pytest.mark.parametrize("body", [b"<html>", b"[" * 100_000, b'{"versions": 3}', b'{"versions": [{"version": []}]}'])
def test_what_is_no_box_is_said(registry, move, path, body):
    registry.files |= {LIST: body, f"/api/v2/vagrant/{DEMO}": body, f"/{DEMO}": body}
    said = move(DEMO)
    assert (said.status, len(said.report["left"])) == (1, 1)
    assert not Appliance.objects.exists()


def test_a_server_that_vagrant_reads_is_enough(registry, move, path):
    registry.api = False
    registry.version(DEMO, "1.10.0", registry.provider(DEMO, "1.10.0", "hyperv"))
    registry.version(DEMO, "1.9.0", registry.provider(DEMO, "1.9.0", "hyperv"))
    assert move(DEMO).status == 0
    order = Release.objects.order_by("published_at").values_list("version", flat=True)
    assert list(order) == ["1.0.0", "1.9.0", "1.10.0"]
    said = move("acme")
    assert said.status == 1
    assert "Name them one by one" in said.err
