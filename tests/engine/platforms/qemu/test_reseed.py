"""The program that renews a resumed machine's random numbers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from builds.engine.platforms.qemu import resuming

SOURCE = Path(resuming.__file__).with_name("reseed.s")


def test_the_program_is_its_source(tmp_path: Path) -> None:
    if not shutil.which("as") or not shutil.which("ld"):
        pytest.skip("no assembler here")
    subprocess.run(["as", SOURCE, "-o", tmp_path / "reseed.o"], check=True)
    link = ["ld", "-Ttext=0x400000", "--oformat=binary", "-o", tmp_path / "reseed", tmp_path / "reseed.o"]
    subprocess.run(link, check=True)
    assert (tmp_path / "reseed").read_bytes() == resuming.RESEED


def test_it_wants_all_the_bytes(tmp_path: Path) -> None:
    program = tmp_path / "reseed"
    program.write_bytes(resuming.RESEED)
    program.chmod(0o700)
    assert subprocess.run([program], input=b"x" * (resuming.ENTROPY - 1), check=False).returncode == 1
