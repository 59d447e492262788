"""Fixtures for tests on a simulated vCenter; tests/conftest.py imports them, once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.simulators import disks

from .simulator import VsphereSimulator


@pytest.fixture(scope="session")
def vsphere_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VsphereSimulator]:
    """One per test process; `vcenter` gives it to a test."""
    with VsphereSimulator(tmp_path_factory.mktemp("vsphere"), disk=disks.tiny()) as simulator:
        yield simulator


@pytest.fixture
def vcenter(vsphere_server: VsphereSimulator) -> VsphereSimulator:
    """A vCenter in which nothing has happened yet."""
    try:
        vsphere_server.reset()
    except (AssertionError, OSError, ValueError):  # one test must not take all those after it with it
        vsphere_server.restart()
    return vsphere_server
