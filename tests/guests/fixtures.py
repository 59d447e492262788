"""Fixtures for tests that run machines; a folder's conftest.py imports those that it uses."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.image import Size
from builds.engine.machine import Machine
from builds.engine.platforms.qemu.platform import Qemu
from tests.guests import tiny as recipe
from tests.guests.tiny import Tiny

SIZE = Size(cpus=2, memory=256 * 1024 * 1024, disk=768 * 1024 * 1024)
BOOT_LIMIT = 120  # seconds: ten times what it takes on an idle machine


@pytest.fixture(scope="session")
def tiny() -> Tiny:
    """The small guest's disk and kernel; never written to."""
    return recipe.make()


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What builds share: one for the whole run, so that KVM is probed once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def console() -> Recorder:
    return Recorder()


@pytest.fixture
def context(tmp_path: Path, cache: Path, console: Recorder) -> Context:
    return new_context(tmp_path, cache, console)


def new_context(folder: Path, cache: Path, console: Recorder) -> Context:
    for name in ("work", "source"):
        (folder / name).mkdir()
    context = Context(
        build="build-1",
        work=folder / "work",
        cache=cache,
        source=folder / "source",
        console=console,
        variables={"site_title": "Our wiki", "admin_password": "hunter2"},
        secrets=frozenset({"admin_password"}),
    )
    return context.within(BOOT_LIMIT, "The test")


@pytest.fixture
def qemu() -> Qemu:
    return Qemu(Qemu.Options())


@pytest.fixture(scope="module")
def machine(tiny: Tiny, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One running machine for all tests of a module: for tests that leave it as they find it."""
    context = new_context(tmp_path_factory.mktemp("machine"), cache, Recorder())
    with Qemu(Qemu.Options()).launch(tiny.direct_image(), SIZE, "none", context) as machine:
        yield machine
