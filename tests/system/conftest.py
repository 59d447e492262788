from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.guests.fixtures import tiny
from tests.guests.tiny import Tiny
from tests.servers import served

from .installation import Installation, free_port

__all__ = ["installation", "tiny"]


@pytest.fixture(scope="session")
def installation(tiny: Tiny) -> Iterator[Installation]:
    """Running, with one worker, for all system tests: each makes releases of its own."""
    data = Path(tempfile.mkdtemp(prefix="slipway-"))
    try:
        with served(tiny.disk.parent) as base:
            installation = Installation(data, free_port(), f"{base}/{tiny.disk.name}", tiny)
            with installation.up():
                yield installation
    finally:
        shutil.rmtree(data, ignore_errors=True)
