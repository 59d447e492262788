from __future__ import annotations

from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """A build with an empty source and one secret variable, whose value is "hunter2"."""
    for folder in ("work", "cache", "source"):
        (tmp_path / folder).mkdir()
    return Context(
        build="b1",
        work=tmp_path / "work",
        cache=tmp_path / "cache",
        source=tmp_path / "source",
        console=Recorder(),
        variables={"site_title": "Our wiki", "admin_password": "hunter2"},
        secrets=frozenset({"admin_password"}),
    )
