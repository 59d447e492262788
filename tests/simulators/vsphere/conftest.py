"""A vCenter, and a client that is logged in."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from .client import Client
from .simulator import VsphereSimulator


@pytest.fixture
def client(vcenter: VsphereSimulator) -> Iterator[Client]:
    with contextlib.closing(Client(vcenter)) as client:
        yield client
