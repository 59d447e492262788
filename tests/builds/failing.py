"""Builds that fail on a real machine: a small guest, or this host. Only what comes before and after is not there."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from builds import debugging, plans, runner
from builds.engine import pipeline, plugin, provisioning
from builds.engine.bases.base import Base
from builds.engine.context import Context, Stop
from builds.engine.image import Image, Size
from builds.engine.outcome import Outcome
from builds.engine.plan import Limits, Plan
from builds.engine.platforms.qemu.platform import Qemu
from builds.engine.provisioners.shell import Shell
from builds.models import Build
from tests import factories
from tests.builds.engine import fake_plan
from tests.engine.local_machine import LocalMachine
from tests.guests import tiny

FOR_LONG = timedelta(minutes=30)
SECRET = "hunter2hunter2"
MIB = 1024 * 1024


class FailingMachine:
    """Stands where the engine is: its provisioner fails, as any would."""

    def __init__(self, platform: Any, script: str = "echo installing; exit 3", **limits: float) -> None:
        self._plan = Plan(
            name="acme-wiki-1.0.0",
            platform=platform,
            base=Given(),
            size=Size(cpus=1, memory=256 * MIB, disk=768 * MIB),
            network="none",
            provisioners=(Shell(Shell.Options(inline=script)),),
            formats=(),
            checks=(),
            limits=Limits(**limits),
        )

    def steps(self, plan: Any) -> list[str]:
        return provisioning.steps(self._plan)

    def build(self, plan: Any, context: Context, folder: Path) -> Outcome:
        context = pipeline.limited(self._plan, context)
        with provisioning.provisioned(self._plan, self._plan.base.prepare(context), context):
            raise AssertionError("the provisioner did not fail")


class Given(Base):
    """The tests' small guest."""

    name = "tiny"
    Options = plugin.Options
    title = "tiny"

    def __init__(self) -> None:
        super().__init__(self.Options())

    def prepare(self, context: Context) -> Image:
        return tiny.make().direct_image()


class Here:
    """A platform whose machines are this host."""

    @contextmanager
    def launch(self, *_: object) -> Iterator[LocalMachine]:
        yield LocalMachine()


def failing_guest() -> FailingMachine:
    return FailingMachine(Qemu(Qemu.Options()))


@pytest.fixture
def worker(transactional_db, monkeypatch) -> Iterator[Callable[..., Build]]:
    """`worker(pipeline)`: one takes a build, whose machine is to be kept for so long when it fails."""
    monkeypatch.setattr(debugging, "LOOK", 0.05)
    stops, threads = [], []

    def start(
        pipeline: FailingMachine,
        debug: timedelta | None = FOR_LONG,
        stop: Stop | None = None,
        build: Build | None = None,
    ) -> Build:
        monkeypatch.setattr(runner, "pipeline", pipeline)
        monkeypatch.setattr(plans, "plan_of", lambda *_: fake_plan(secrets=frozenset({"password"})))
        monkeypatch.setattr(plans, "secret_values", lambda _: {"password": SECRET})
        build = build or factories.build(debug=debug)
        stops.append(stop or Stop())
        threads.append(threading.Thread(target=work, args=(build, stops[-1])))
        threads[-1].start()
        return build

    yield start
    for stop in stops:
        stop.cancel()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def work(build: Build, stop: Stop) -> None:
    try:
        runner.run(build.pk, stop)
    finally:
        connection.close()
