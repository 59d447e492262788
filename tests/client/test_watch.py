"""Watching: the log as it comes, the status at the end, and what happens when the connection or the person goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from appliances import releases
from builds.models import Build
from client.output import plain
from tests import factories


@pytest.fixture
def build(wiki) -> Build:
    revision, _ = releases.revise(factories.release(appliance=wiki), by=None)
    Build.objects.update(state="running")
    return revision.builds.get()


def end(build: Build, state: str, **fields: Any) -> None:
    Build.objects.filter(pk=build.pk).update(state=state, **fields)


@pytest.mark.parametrize(("state", "status"), [("succeeded", 0), ("failed", 1), ("cancelled", 3)])
def test_the_status_says_how_it_ended(run, token, build, state, status):
    build.log.create(sequence=0, text="first\nsec")
    build.log.create(sequence=1, text="ond\nlast without an end")
    end(build, state, error="It broke.", hint="Mend it.")
    said = run("build", "watch", build.pk)
    assert said.status == status
    assert said.out == "first\nsecond\nlast without an end\n"
    assert "It broke." in said.err
    assert "Mend it." in said.err


def test_the_end_says_where_the_time_went(run, token, build):
    start = timezone.now()
    for position, seconds in enumerate([3, 48, 1, 12, 24, 2]):
        ended = {"state": "succeeded", "started_at": start, "finished_at": start + timedelta(seconds=seconds)}
        build.steps.create(position=position, title=f"Step {position}", **ended)
    build.steps.create(position=9, title="1. shell: install.sh", state="reused")
    end(build, "succeeded", started_at=start, finished_at=start + timedelta(seconds=90))
    said = run("build", "watch", build.pk).err.splitlines()
    shown = [line.split() for line in said if "█" in line]
    assert [line[1:] for line in shown] == [
        ["48.0", "s", "Step", "1"],
        ["24.0", "s", "Step", "4"],
        ["12.0", "s", "Step", "3"],
        ["3.0", "s", "Step", "0"],
        ["2.0", "s", "Step", "5"],
    ]
    assert [len(line[0]) for line in shown] == [24, 12, 6, 2, 1]
    assert said[-1] == "  1 step reused from layers"


def test_all_builds_of_a_release(run, token, build):
    other = factories.build(build.revision, platform="ec2", state="failed")
    other.log.create(sequence=0, text="no credentials\n")
    build.log.create(sequence=0, text="working\n")
    end(build, "succeeded")
    said = run("build", "watch", "acme/wiki@1.0.0")
    assert said.status == 1
    assert sorted(said.out.splitlines()) == ["[ec2] no credentials", "[qemu] working"]
    answer = run("build", "watch", "acme/wiki@1.0.0", "--json").json
    assert {each["platform"]: each["state"] for each in answer["builds"]} == {"ec2": "failed", "qemu": "succeeded"}


def test_a_long_log_comes_whole(run, token, build):
    build.log.bulk_create(build.log.model(build=build, sequence=n, text=f"{n}\n") for n in range(1200))
    end(build, "succeeded")
    lines = [str(n) for n in range(1200)]
    assert run("build", "watch", build.pk).out.splitlines() == lines
    assert run("build", "log", build.pk).out.splitlines() == lines
    assert len(run("build", "log", build.pk, "--json").json) == 1200


def test_what_a_guest_wrote_does_not_rule_the_terminal():
    assert plain("\x1b[2J\x1b]0;title\x07\x1b[31mred\x1b[0m\x00\r\n") == "red\n"


def test_cancelled_and_tried_again(run, token, build):
    assert run("build", "cancel", build.pk).out == f"Build {build.pk} is cancelling.\n"
    end(build, "cancelled")
    said = run("build", "retry", build.pk, "--json")
    assert said.json["state"] == "queued"
    assert run("build", "list").out.splitlines()[0].startswith(str(said.json["number"]))


@contextmanager
def program(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own."""
    command = [sys.executable, "-m", "client", *map(str, arguments)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": settings.BASE_DIR}
    with subprocess.Popen(command, env={**os.environ, "PYTHONUNBUFFERED": "1"}, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_build_goes_on_when_nobody_watches(token, build):
    build.log.create(sequence=0, text="working\n")
    with program("build", "watch", build.pk) as watching:
        assert watching.stdout.readline() == "working\n"
        watching.send_signal(signal.SIGINT)
        out, err = watching.communicate(timeout=60)
    assert watching.returncode == 130
    assert f"It goes on without you: slipway build watch {build.pk}" in err
    assert "Traceback" not in out + err
    build.refresh_from_db()
    assert build.state == "running"


def test_a_token_that_is_revoked_ends_it(token, build):
    build.log.create(sequence=0, text="working\n")
    with program("build", "watch", build.pk) as watching:
        assert watching.stdout.readline() == "working\n"
        build.revision.release.appliance.team.members.get().tokens.all().delete()
        _, err = watching.communicate(timeout=60)
    assert watching.returncode == 4
    assert "revoked" in err or "no valid token" in err
