import subprocess
from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context


@pytest.fixture
def context(tmp_path: Path) -> Context:
    for name in ("work", "cache", "source"):
        (tmp_path / name).mkdir()
    folders = {name: tmp_path / name for name in ("work", "cache", "source")}
    return Context(build="b1", console=Recorder(), **folders)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A small qcow2 with something in it."""
    raw = tmp_path / "disk.raw"
    raw.write_bytes(b"\x90" * 510 + b"\x55\xaa" + b"slipway " * 400_000)
    path = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, path], check=True)
    return path
