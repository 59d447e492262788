"""The store of layers: whole ones only, young enough, within its budget, and what it tells about them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import WorkerError
from builds.engine.layers import Layer
from builds.engine.layers.stored import RECORD
from tests.waiting import wait_for

from .conftest import MIB, Watched, filled, stage, stages

Keep = Callable[..., list[Layer]]
DAY = 24 * 3600


def age(store: Watched, layer: Layer, days: float) -> None:
    """Let it have been made so long ago."""
    record = store.folder / layer.key / RECORD
    said = json.loads(record.read_text())
    said["made"] -= days * DAY
    record.write_text(json.dumps(said))


def used(store: Watched, layer: Layer, minutes_ago: float) -> None:
    record = store.folder / layer.key / RECORD
    then = record.stat().st_mtime - 60 * minutes_ago
    os.utime(record, (then, then))


def there(store: Watched) -> set[str]:
    return {stored.title for stored in store.all()}


def test_a_build_goes_on_from_the_longest_chain(
    store: Watched, keep: Keep, context: Context, console: Recorder
) -> None:
    boot, first = keep(stages("boot", "1. shell: a"))
    found = store.longest(stages("boot", "1. shell: a", "2. shell: b"), context)
    assert found
    number, layer = found
    assert (number, layer.key, layer.folder) == (1, first.key, store.folder / first.key)
    assert [parent.key for parent in layer.parents] == [boot.key]
    assert console.facts == {"layers": "went on after 1. shell: a; that saved 1 min 10 s"}
    assert store.seen == ["kept after boot", "kept after 1. shell: a", "used after 1. shell: a"]


def test_nobody_else_can_read_what_is_kept(store: Watched, context: Context) -> None:
    old = os.umask(0)
    try:
        layer = store.keep(stage("boot"), None, 1, filled(), context)
    finally:
        os.umask(old)
    assert layer.folder
    assert layer.folder.stat().st_mode & 0o777 == store.folder.stat().st_mode & 0o777 == 0o700
    assert (layer.folder / RECORD).stat().st_mode & 0o777 == 0o600


def test_what_could_not_be_made_leaves_nothing(store: Watched, context: Context) -> None:
    def fail(folder: Path) -> dict[str, str]:
        (folder / "disk").write_bytes(b"half")
        raise WorkerError("the disk is full")

    with pytest.raises(WorkerError):
        store.keep(stage("boot"), None, 1, fail, context)
    assert not list(store.folder.iterdir())


def test_the_second_of_two_builds_that_keep_one_state_keeps_none(store: Watched, context: Context) -> None:
    """What it would keep later continues a disk that is not that of the first, bit for bit."""

    def meanwhile(folder: Path) -> dict[str, str]:
        store.keep(stage("boot"), None, 1, filled(1), context)
        return dict(filled(2)(folder))

    with pytest.raises(OSError, match=r"not empty|just kept"):
        store.keep(stage("boot"), None, 1, meanwhile, context)
    with pytest.raises(FileExistsError):
        store.keep(stage("boot"), None, 1, filled(3), context)
    [stored] = store.all()
    assert stored.files == {"disk": 1}
    assert [path.name for path in store.folder.iterdir()] == [stored.key]


def test_what_continues_a_layer_that_was_removed_meanwhile_is_not_kept(store: Watched, context: Context) -> None:
    boot = store.keep(stage("boot"), None, 1, filled(), context)
    store.drop(boot)
    with pytest.raises(OSError, match="removed meanwhile"):
        store.keep(stage("boot", "1. x"), boot, 1, filled(), context)
    assert not list(store.folder.iterdir())


@pytest.mark.parametrize("damage", ["garbage", "other key", "no record", "no file", "short file", "empty folder"])
def test_a_damaged_layer_is_removed_and_the_one_below_it_taken(
    store: Watched, keep: Keep, context: Context, damage: str
) -> None:
    boot, first = keep(stages("boot", "1. x"))
    folder = store.folder / first.key
    if damage == "garbage":
        (folder / RECORD).write_bytes(b'{"key": \xff')
    elif damage == "other key":
        (folder / RECORD).write_text((store.folder / boot.key / RECORD).read_text())
    elif damage == "no record":
        (folder / RECORD).unlink()
    elif damage == "no file":
        (folder / "disk").unlink()
    elif damage == "short file":
        os.truncate(folder / "disk", 10)
    else:
        shutil.rmtree(folder)
        folder.mkdir()
    found = store.longest(stages("boot", "1. x"), context)
    assert found
    assert found[1].key == boot.key
    assert [path.name for path in store.folder.iterdir()] == [boot.key]


def test_a_layer_goes_with_all_that_continues_it(store: Watched, keep: Keep, context: Context) -> None:
    layers = keep(stages("boot", "1. a", "2. b"))
    keep(stages("boot", "1. other"))
    store.drop(layers[1])
    assert there(store) == {"after boot", "after 1. other"}


def test_a_layer_whose_parent_was_lost_is_not_used(store: Watched, keep: Keep, context: Context) -> None:
    layers = keep(stages("boot", "1. a", "2. b"))
    shutil.rmtree(store.folder / layers[1].key)
    found = store.longest(stages("boot", "1. a", "2. b"), context)
    assert found
    assert found[1].key == layers[0].key
    assert there(store) == {"after boot"}


def test_packages_grow_old_sooner(store: Watched, context: Context, console: Recorder) -> None:
    boot = store.keep(stage("boot"), None, 1, filled(), context)
    wanted = stages("boot", "1. apt", fetched=True)
    fetched = store.keep(wanted[1], boot, 1, filled(), context)
    age(store, boot, 8)
    assert (store.longest(wanted, context) or [None])[0] == 1
    age(store, fetched, 8)
    assert (store.longest(wanted, context) or [None])[0] == 0
    assert console.facts["layer miss"] == ("after 1. apt: the layer is older than 7 days, and it fetched packages")
    age(store, boot, 23)
    assert store.longest(wanted, context) is None
    assert "older than" in console.facts["layer miss"]
    store.tidy()
    assert not there(store)


def test_a_layer_is_as_old_as_what_it_continues(store: Watched, context: Context) -> None:
    boot = store.keep(stage("boot"), None, 1, filled(), context)
    apt = store.keep(stage("boot", "1. apt", fetched=True), boot, 1, filled(), context)
    store.keep(stage("boot", "1. apt", "2. new", fetched=True), apt, 1, filled(), context)
    age(store, apt, 8)
    found = store.longest(stages("boot", "1. apt", "2. new", fetched=True), context)
    assert found
    assert found[0] == 0


def test_the_longest_unused_goes_first_and_never_before_what_continues_it(
    store: Watched, keep: Keep, context: Context
) -> None:
    one = keep(stages("boot", "1. a", "2. b"), MIB)
    other = keep(stages("boot", "1. c"), MIB)
    for number, layer in enumerate([one[0], one[1], other[1], one[2]]):  # the boot is the longest unused
        used(store, layer, 100 - number)
    store.budget = int(3.5 * MIB)
    store.tidy()
    assert there(store) == {"after boot", "after 1. a", "after 2. b"}
    store.budget = int(1.5 * MIB)
    store.tidy()
    assert there(store) == {"after boot"}


def test_going_on_from_a_layer_keeps_its_whole_chain(store: Watched, keep: Keep, context: Context) -> None:
    one = keep(stages("boot one", "1. a"), MIB)
    other = keep(stages("boot other", "1. a"), MIB)
    for layer in (*one, *other):
        used(store, layer, 100)
    store.longest(stages("boot one", "1. a"), context)
    store.budget = int(2.5 * MIB)
    store.tidy()
    assert {stored.key for stored in store.all()} == {layer.key for layer in one}


def test_a_new_layer_makes_room_for_itself(store: Watched, keep: Keep) -> None:
    store.budget = int(2.5 * MIB)
    keep(stages("boot one"), MIB)
    keep(stages("boot two"), MIB)
    keep(stages("boot three"), MIB)
    assert there(store) == {"after boot two", "after boot three"}
    assert f"dropped {stage('boot one').key}" in store.seen


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (["boot", "1. a=1", "2. file: site=9"], "2. file: site: file page has changed"),
        (["boot", "1. a=7", "2. file: site=2"], "1. a: file page has changed"),
        (["boot", "1. b=1", "2. file: site=2"], "1. b: it was 1. a before"),
        (["other boot", "1. a=1"], "other boot: it was boot before"),
        (["boot=new", "1. a=1"], "boot: file page has changed"),
    ],
)
def test_a_miss_names_the_first_input_that_changed(
    store: Watched, keep: Keep, context: Context, console: Recorder, wanted: list[str], why: str
) -> None:
    keep(stages("boot", "1. a=1", "2. file: site=2"))
    store.longest(stages(*wanted), context)
    assert console.facts["layer miss"] == why


def test_a_first_build_misses_because_nothing_was_kept(store: Watched, context: Context, console: Recorder) -> None:
    assert store.longest(stages("boot", "1. a"), context) is None
    assert console.facts == {"layer miss": "nothing kept yet"}


MAKER = """
import sys, time
from pathlib import Path
from tests.engine.layers.conftest import Watched, filled, stage
def fill(folder):
    (folder / "disk").write_bytes(b"half of it")
    print("filling", flush=True)
    time.sleep(1000)
Watched(Path(sys.argv[1])).keep(stage("boot"), None, 1, fill, None)
"""


def test_a_killed_worker_leaves_nothing_that_counts(store: Watched, keep: Keep, context: Context) -> None:
    root = Path(__file__).parents[3]
    argv = [sys.executable, "-c", MAKER, str(store.folder)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=root) as maker:
        try:
            assert maker.stdout
            assert maker.stdout.readline() == "filling\n"
            assert store.longest(stages("boot"), context) is None
            store.tidy()
            assert len(list(store.folder.iterdir())) == 1  # its maker lives
        finally:
            maker.send_signal(signal.SIGKILL)
    assert store.longest(stages("boot"), context) is None
    wait_for(lambda: store.tidy() or not list(store.folder.iterdir()))
    keep(stages("boot"))
    assert there(store) == {"after boot"}
