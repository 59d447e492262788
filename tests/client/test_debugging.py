"""Debugging from the command line: real builds that fail on this host."""

from __future__ import annotations

import io

import pytest

from builds import queue
from builds.models import Build
from builds.states import BuildState
from tests import factories
from tests.builds.failing import FailingMachine, Here, worker
from tests.waiting import wait_for

__all__ = ["worker"]


@pytest.fixture
def failed(wiki, worker, monkeypatch) -> Build:
    """One that fails again as soon as it is tried again."""
    monkeypatch.setattr(queue, "enqueue", lambda build, **_: worker(FailingMachine(Here()), build=build))
    revision = factories.revision(factories.release(appliance=wiki), state="failed")
    return factories.build(revision, state=BuildState.FAILED)


@pytest.fixture
def type_in(monkeypatch):
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_lines_are_run_in_the_machine_of_a_new_attempt(run, token, failed, type_in):
    type_in("echo one\n\necho two; (exit 3)\n")
    said = run("build", "debug", failed.pk, "--end")
    assert said.out == "one\ntwo\n", said.err
    assert said.status == 1
    again = Build.objects.latest("pk")
    assert [row.by.username for row in again.debug_commands.all()] == ["maria", "maria"]
    wait_for(lambda: Build.objects.get(pk=again.pk).state == BuildState.FAILED)


def test_one_that_is_kept_is_taken_as_it_is(run, token, failed, type_in):
    type_in("true\n")
    assert run("build", "debug", failed.pk).status == 0
    again = Build.objects.latest("pk")
    type_in("echo here; printf last")
    assert run("build", "debug", again.pk).out == "here\nlast\n"
    assert Build.objects.count() == 2
    assert Build.objects.get(pk=again.pk).kept_until


def test_a_key_that_cannot_be_let_in_says_why(run, token, failed, tmp_path):
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA me\n")
    said = run("build", "debug", failed.pk, "--key", tmp_path / "key.pub", "--stay-out")
    assert said.status == 1
    assert "cannot be read" in said.err


def test_what_succeeded_is_not_debugged(run, token, failed):
    Build.objects.update(state=BuildState.SUCCEEDED)
    said = run("build", "debug", failed.pk)
    assert said.status == 1
    assert "succeeded" in said.err
