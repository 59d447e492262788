"""Fixtures for tests on simulated clouds; tests/conftest.py imports them, once: one process starts one server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from builds.engine.aws import images, kinds, machine, state
from tests.simulators.ec2 import Ec2Simulator

GLANCE = 0.3  # seconds: what takes minutes in a cloud takes a moment in the simulated one


@pytest.fixture(scope="session")
def ec2_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ec2Simulator]:
    """One server for all tests of this process."""
    with Ec2Simulator(tmp_path_factory.mktemp("ec2")) as simulator:
        yield simulator


@pytest.fixture
def ec2(ec2_server: Ec2Simulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ec2Simulator]:
    """A simulated EC2 in which nothing has happened yet."""
    for module in (images, kinds, machine, state):
        monkeypatch.setattr(module, "POLL", GLANCE)
    ec2_server.reset()
    yield ec2_server
    ec2_server.reset()
