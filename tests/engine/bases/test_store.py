"""store: a base is made once, seen only when whole, and given up when its maker dies."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from builds.engine import command
from builds.engine.bases import store
from builds.engine.context import Context, Stop
from builds.engine.errors import BuildError, Cancelled


def fill(folder: Path, lock: int) -> None:
    (folder / "disk").write_text("whole")


def test_two_builds_that_ask_at_once_make_it_once(context: Context):
    made = []

    def make(folder: Path, lock: int) -> None:
        made.append(folder)
        time.sleep(0.3)
        fill(folder, lock)

    with ThreadPoolExecutor(4) as pool:
        folders = set(pool.map(lambda _: store.keep("a", make, context), range(4)))
    assert len(made) == 1
    assert (folders.pop() / "disk").read_text() == "whole"
    assert not folders


def test_what_a_failed_maker_left_is_gone_and_the_next_makes_it(context: Context):
    def fail(folder: Path, lock: int) -> None:
        (folder / "disk").write_text("ha")
        raise BuildError("no")

    with pytest.raises(BuildError):
        store.keep("a", fail, context)
    assert [path.name for path in (context.cache / "bases").iterdir()] == [".a.lock"]
    assert (store.keep("a", fill, context) / "disk").read_text() == "whole"


def hang(context: Context) -> None:
    def make(folder: Path, lock: int) -> None:
        (folder / "disk").write_text("ha")
        # A program whose own children do not die with it, as some do.
        command.run(["sh", "-c", f"(sleep 2; echo more >> {folder}/disk) & exec sleep 60"], pass_fds=[lock])

    store.keep("a", make, context)


def test_a_killed_maker_leaves_nothing_that_looks_finished_and_no_lock(context: Context):
    process = multiprocessing.get_context("fork").Process(target=hang, args=(replace(context, stop=Stop()),))
    process.start()
    assert process.pid
    half = context.cache / "bases/.a.part/disk"
    while not half.exists():
        time.sleep(0.01)
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert not (context.cache / "bases/a").exists()
    start = time.monotonic()
    assert (store.keep("a", fill, context) / "disk").read_text() == "whole"
    assert time.monotonic() - start > 1, "what the maker had started was waited for"
    assert not half.parent.exists()


def test_a_build_that_waits_for_another_can_be_cancelled(context: Context):
    stop = Stop()
    threading.Timer(0.2, stop.cancel).start()
    lock = context.cache / "bases/.a.lock"
    with store.locked(lock, context), pytest.raises(Cancelled):
        store.keep("a", fill, replace(context, stop=stop))


def test_a_base_that_nobody_used_for_long_is_removed_when_another_is_made(context: Context):
    old = store.keep("old", fill, context)
    used = store.keep("used", fill, context)
    long_ago = time.time() - store.UNUSED - 60
    os.utime(old, (long_ago, long_ago))
    os.utime(used, (long_ago, long_ago))
    store.keep("used", fill, context)
    store.keep("new", fill, context)
    assert used.exists()
    assert not old.exists()
