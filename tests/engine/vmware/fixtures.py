from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.vsphere import VsphereSimulator

from .lab import Lab


@pytest.fixture
def lab(vcenter: VsphereSimulator, tmp_path: Path) -> Iterator[Lab]:
    (tmp_path / "lab").mkdir()
    lab = Lab(vcenter, tmp_path / "lab")
    yield lab
    lab.close()
