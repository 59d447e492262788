"""Whatever is killed, whenever: the build ends or is taken up again, and nothing is left behind."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import pytest

from .installation import Installation

pytestmark = [pytest.mark.guest, pytest.mark.redis]


STEPS = ["Prepare", "Start the machine", "1. shell", "Clean and shut down", "Test", "Store the images"]


@pytest.mark.parametrize("step", STEPS)
def test_a_worker_killed_at_any_step_leaves_a_whole_build_or_a_failed_one(
    installation: Installation, step: str
) -> None:
    build = installation.release(f"1.0.{STEPS.index(step)}", formats="qcow2, vmdk", pause=2)
    installation.wait_for_step(build, step)
    installation.kill_worker(build)
    installation.wait(lambda: not installation.guests(), 10, "the guest is gone")
    end = installation.reconciled(build)
    if end == "succeeded":  # the last step takes a moment only: the kill may have come after it
        assert step == "Store the images"
        assert installation.artifacts(build) == 2
        installation.wait_for_revision(build, "published")
    else:
        assert "stopped answering" in installation.error(build)
        assert installation.artifacts(build) == 0
        installation.wait_for_revision(build, "failed")
    installation.wait(lambda: installation.leftovers(files=False) == [], 10, "nothing is left")


def test_qemu_killed_fails_the_build_at_once_and_says_so(installation: Installation) -> None:
    before = installation.leftovers()
    build = installation.release("2.0.0", pause=30)
    installation.wait_for_step(build, "1. shell")
    for pid in installation.guests():
        with suppress(ProcessLookupError):  # some end with the others
            os.kill(pid, signal.SIGKILL)
    installation.wait_for_state(build, "failed", seconds=20)
    assert "machine" in installation.error(build)
    installation.wait(lambda: installation.leftovers(besides=before) == [], 10, "nothing is left")


@pytest.mark.parametrize("step", STEPS[:-1])
def test_cancelling_ends_a_build_at_any_step(installation: Installation, step: str) -> None:
    before = installation.leftovers()
    build = installation.release(f"3.0.{STEPS.index(step)}", pause=2)
    installation.wait_for_step(build, step)
    installation.do(f"queue.cancel(Build.objects.get(pk={build}), by=None)")
    assert installation.wait_for_state(build, "cancelled", "succeeded", seconds=30) == "cancelled"
    installation.wait(lambda: installation.leftovers(besides=before) == [], 10, "nothing is left")


def test_redis_killed_in_the_middle_loses_neither_the_running_nor_the_queued_build(installation: Installation) -> None:
    running = installation.release("4.0.0", pause=4)
    waiting = installation.release("4.0.1")
    installation.wait_for_step(running, "1. shell")
    os.kill(installation.pid_of("redis.sock"), signal.SIGKILL)
    assert installation.wait_for_state(running, "succeeded", "failed", "cancelled") == "succeeded"
    installation.manage("reconcile")
    assert installation.wait_for_state(waiting, "succeeded", "failed", "cancelled") == "succeeded"
    installation.wait_for_revision(waiting, "published")


def test_a_build_that_was_lost_is_built_by_retrying_it(installation: Installation) -> None:
    build = installation.release("5.0.0", pause=2)
    installation.wait_for_step(build, "1. shell")
    installation.kill_worker(build)
    assert installation.reconciled(build) == "failed"
    again = installation.retry(build)
    assert installation.wait_for_state(again, "succeeded", "failed", "cancelled") == "succeeded"
    installation.wait_for_revision(again, "published")
