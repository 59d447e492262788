"""acceleration: KVM is used when a guest ran under it, not because it exists."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import WorkerError
from builds.engine.platforms.qemu import acceleration

SOURCE = Path(acceleration.__file__).with_name("probe.s")


@pytest.fixture
def qemu_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program in QEMU's place that does as told, and counts its runs."""

    def place(what: str) -> Path:
        programs = tmp_path / "bin"
        programs.mkdir()
        program = programs / "qemu-system-x86_64"
        program.write_text(f"#!/bin/sh\necho run >> {tmp_path}/runs\n{what}\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
        monkeypatch.setattr(acceleration, "KVM", tmp_path / "kvm")
        (tmp_path / "kvm").touch()
        return tmp_path / "runs"

    return place


@pytest.fixture
def own(context: Context, tmp_path: Path) -> Context:
    """A context with an empty cache."""
    return Context(**{**vars(context), "cache": tmp_path / "empty"})


def test_kvm_that_runs_a_guest_is_used_and_remembered(
    qemu_that: Callable[[str], Path], own: Context, console: Recorder
) -> None:
    runs = qemu_that(f"exit {acceleration.ANSWER}")
    assert acceleration.choose("auto", own).name == "kvm"
    assert acceleration.choose("kvm", own).name == "kvm"
    assert runs.read_text() == "run\n"
    assert console.facts["acceleration"] == "kvm: a guest ran under /dev/kvm"


def test_kvm_that_hangs_is_not_used(
    qemu_that: Callable[[str], Path], own: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceleration, "PROBE_LIMIT", 0.5)
    qemu_that("sleep 1000")
    assert str(acceleration.choose("auto", own)) == "tcg: /dev/kvm exists, but guests hang under it"
    with pytest.raises(WorkerError, match="asks for KVM, but /dev/kvm exists, but guests hang"):
        acceleration.choose("kvm", own)


def test_qemu_that_refuses_kvm_is_quoted(qemu_that: Callable[[str], Path], own: Context) -> None:
    qemu_that("echo 'failed to initialize kvm: Permission denied' >&2; exit 1")
    assert "Permission denied" in acceleration.choose("auto", own).reason


def test_a_host_without_kvm_says_so(own: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(acceleration, "KVM", tmp_path / "none")
    assert "no /dev/kvm" in acceleration.choose("auto", own).reason


def test_the_probe_answers_in_software() -> None:
    """What the probe asks of a guest is what guests do: where they run, it answers."""
    assert acceleration.try_guest("tcg", limit=30) is None


def test_the_probe_is_its_source(tmp_path: Path) -> None:
    if not shutil.which("as") or not shutil.which("ld"):
        pytest.skip("no assembler here")
    subprocess.run(["as", SOURCE, "-o", tmp_path / "probe.o"], check=True)
    link = ["ld", "-Ttext=0x7c00", "--oformat=binary", "-o", tmp_path / "probe", tmp_path / "probe.o"]
    subprocess.run(link, check=True)
    assert (tmp_path / "probe").read_bytes() == acceleration.PROBE.ljust(510, b"\0") + b"\x55\xaa"
