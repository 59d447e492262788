"""How a build comes to its machine: from a layer when there is one that is any good, and from a launch otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from builds.engine import provisioning
from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.console import Recorder
from builds.engine.context import Context, Stop
from builds.engine.errors import Cancelled, SlipwayError, WorkerError
from builds.engine.image import Image, Size
from builds.engine.layers import Layer, Unresumable
from builds.engine.layers.store import Store
from builds.engine.machine import Machine
from builds.engine.plan import Plan
from builds.engine.platforms.base import LayeredPlatform
from builds.engine.plugin import Options
from builds.engine.provisioners import Shell

from .local_machine import LocalMachine


class Local(LayeredPlatform):
    """Its machine is this host; a state of it is a note of what was done. `faults`: what goes wrong, by method."""

    name = "local"
    label = "Local"
    Options = Options
    worth = 0.0

    def __init__(self) -> None:
        super().__init__(Options())
        self.done: list[str] = []
        self.faults: dict[str, SlipwayError] = {}

    def _do(self, what: str) -> None:
        self.done.append(what)
        if fault := self.faults.get(what):
            raise fault

    def shape(self, *_: Any) -> Mapping[str, str]:
        return {}

    @contextmanager
    def launch(self, *_: Any) -> Iterator[Machine]:
        self._do("launch")
        yield LocalMachine()
        self.done.append("gone")

    def save(self, machine: Machine, folder: Path, former: Layer | None, context: Context) -> Mapping[str, Any]:
        self._do("save")
        (folder / "state").write_text("all of it")
        return {"number": self.done.count("save")}

    @contextmanager
    def resume(self, layer: Layer, *_: Any) -> Iterator[Machine]:
        self._do("resume")
        self._do(f"resume {layer.details['number']}")
        yield LocalMachine()
        self.done.append("gone")


@pytest.fixture
def console() -> Recorder:
    return Recorder()


@pytest.fixture
def context(tmp_path: Path, console: Recorder) -> Context:
    for name in ("work", "source"):
        (tmp_path / name).mkdir()
    store = Store(tmp_path / "layers", b"secret")
    return Context("b1", tmp_path / "work", tmp_path / "cache", tmp_path / "source", console, layers=store)


@pytest.fixture
def platform() -> Local:
    return Local()


def plan(platform: Any, *lines: str, cache: bool | None = True) -> Plan:
    """Each is kept, however long it and the saving before it took."""
    shells = tuple(Shell(Shell.Options(inline=line, cache=cache)) for line in lines)
    return Plan("x", platform, Debian(DebianOptions(debian="12")), Size(1, 1, 1), "none", shells, (), ())


def provision(plan: Plan, context: Context) -> list[str]:
    """What the platform did."""
    platform: Any = plan.platform
    platform.done.clear()
    with provisioning.provisioned(plan, Image("disk", details={"digest": "sha256:1"}), context):
        pass
    return list(platform.done)


def test_what_has_not_changed_is_not_done_again(platform: Local, context: Context, console: Recorder) -> None:
    assert provision(plan(platform, "true", "true # 2"), context) == ["launch", "save", "save", "save", "gone"]
    assert provision(plan(platform, "true", "true # 3"), context) == ["resume", "resume 2", "save", "gone"]
    assert console.reused_steps == ["1. shell: true"]
    assert console.facts["layer miss"] == "2. shell: true # 3: it was 2. shell: true # 2 before"
    assert console.steps[-2:] == ["Start the machine", "2. shell: true # 3"]


def test_a_layer_that_is_of_no_use_is_dropped_and_the_one_below_taken(
    platform: Local, context: Context, console: Recorder
) -> None:
    provision(plan(platform, "true"), context)
    platform.faults["resume 2"] = Unresumable("it does not answer")
    assert provision(plan(platform, "true"), context) == ["resume", "resume 2", "resume", "resume 1", "save", "gone"]
    assert "A layer is dropped: it does not answer" in console.text
    assert provision(plan(platform, "true"), context)[:2] == ["resume", "resume 1"]


def test_a_worker_at_fault_starts_the_machine_anew_and_keeps_the_layer(platform: Local, context: Context) -> None:
    provision(plan(platform, "true"), context)
    platform.faults["resume"] = WorkerError("no memory is left")
    assert provision(plan(platform, "true"), context) == ["resume", "launch", "gone"]
    del platform.faults["resume"]
    assert provision(plan(platform, "true"), context) == ["resume", "resume 2", "gone"]


def test_what_cannot_be_kept_does_not_fail_the_build_nor_is_anything_kept_on_top(
    platform: Local, context: Context, console: Recorder
) -> None:
    platform.faults["save"] = WorkerError("the disk is full")
    assert provision(plan(platform, "true", "true"), context) == ["launch", "save", "gone"]
    assert "not kept: the disk is full" in console.text


def test_a_build_that_is_cancelled_while_it_resumes_is_cancelled(platform: Local, context: Context) -> None:
    provision(plan(platform, "true"), context)
    stop = Stop()
    stopped = replace(context, stop=stop)
    platform.faults["resume"] = Unresumable("its machine was killed")
    resumed = platform._do

    def cancel(what: str) -> None:
        if what == "resume":
            stop.cancel()
        resumed(what)

    platform._do = cancel  # type: ignore[method-assign]
    with pytest.raises(Cancelled):
        provision(plan(platform, "true"), stopped)
    assert platform.done == ["resume"]


def test_what_takes_no_time_is_kept_only_when_it_is_asked_for(platform: Local, context: Context) -> None:
    platform.worth = 1000.0  # type: ignore[misc]
    assert provision(plan(platform, "true", cache=None), context) == ["launch", "gone"]
    assert provision(plan(platform, "true"), context) == ["launch", "save", "gone"]
    assert provision(plan(platform, "true"), context) == ["resume", "resume 1", "gone"]


def test_the_last_state_is_kept_only_when_it_took_long(platform: Local, context: Context, console: Recorder) -> None:
    """What a changed check alone goes on from costs each build its saving."""
    platform.worth = 0.5  # type: ignore[misc]
    assert provision(plan(platform, "sleep 0.8", "sleep 0.8", cache=None), context) == ["launch", "save", "gone"]
    assert "Kept the state after 1. shell: sleep 0.8" in console.text
