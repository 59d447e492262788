"""A vCenter, and a client that is logged in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from .client import Client
from .fixtures import vcenter, vsphere_server  # noqa: F401 -- pytest finds fixtures by name
from .simulator import VsphereSimulator


@pytest.fixture
def client(vcenter: VsphereSimulator) -> Iterator[Client]:  # noqa: F811
    with contextlib.closing(Client(vcenter)) as client:
        yield client
