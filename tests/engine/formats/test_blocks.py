"""What is uploaded, block by block, is what QEMU reads from the same file."""

from __future__ import annotations

from pathlib import Path

import pytest

from builds.engine.command import run
from builds.engine.errors import BuildError
from builds.engine.formats import blocks
from builds.engine.formats.blocks import BLOCK

from .conftest import MIB, Convert, chain, scatter


@pytest.mark.parametrize("size", [9 * MIB, 9 * MIB + 512, 600 * MIB])
def test_blocks_hold_what_qemu_reads(size: int, tmp_path: Path, convert: Convert) -> None:
    image = convert(chain(scatter(tmp_path / "disk.raw", size, seed=size)), "qcow2")["qcow2"]
    raw = tmp_path / "read-by-qemu.raw"
    run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", image.file, raw])

    with blocks.opened(image.file) as disk, raw.open("rb") as expected:
        assert disk.size == size
        used = []
        for number in range(-(-size // BLOCK)):
            data = expected.read(BLOCK).ljust(BLOCK, b"\0")
            assert disk.read(number) == data
            used += [number] if data != bytes(BLOCK) else []
        assert disk.used == used


def test_another_programs_qcow2_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.qcow2"
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-o", "cluster_size=4096", path, "1M"])
    with pytest.raises(BuildError, match="not a qcow2 that Slipway wrote"), blocks.opened(path):
        pass
