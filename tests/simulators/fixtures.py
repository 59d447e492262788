"""Fixtures for tests on simulated clouds; tests/conftest.py imports them, once: one process starts one server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulators.ec2 import Ec2Simulator


@pytest.fixture(scope="session")
def ec2_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ec2Simulator]:
    """One server for all tests of this process."""
    with Ec2Simulator(tmp_path_factory.mktemp("ec2")) as simulator:
        yield simulator


@pytest.fixture
def ec2(ec2_server: Ec2Simulator) -> Iterator[Ec2Simulator]:
    """A simulated EC2 in which nothing has happened yet."""
    ec2_server.reset()
    yield ec2_server
    ec2_server.reset()
