"""Chains, steps, and the ways in which a conversion can end early."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from builds.engine import formats
from builds.engine.command import find, run
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import Cancelled, WorkerError
from builds.engine.image import Image

from .conftest import MACHINE, MIB, Convert, chain, scatter


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    raw, disk = tmp_path / "noise.raw", tmp_path / "noise.qcow2"
    run(["dd", "if=/dev/urandom", f"of={raw}", "bs=1M", "count=24"])
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk])
    return disk


def test_an_ova_alone_leaves_no_vmdk(tmp_path: Path, convert: Convert, folder: Path, console: Recorder) -> None:
    images = convert(chain(scatter(tmp_path / "disk.raw", 16 * MIB)), "ova")

    assert list(images) == ["ova"]
    assert [path.name for path in folder.iterdir()] == ["acme-wiki-1.4.0.ova"]
    assert console.steps == ["Write vmdk", "Pack ova"]


def test_one_format_costs_only_itself(tmp_path: Path, convert: Convert, folder: Path, console: Recorder) -> None:
    convert(chain(scatter(tmp_path / "disk.raw", 16 * MIB)), "qcow2")

    assert [path.name for path in folder.iterdir()] == ["acme-wiki-1.4.0.qcow2"]
    assert console.steps == ["Write qcow2"]


def test_the_steps_are_known_before_the_first_begins(
    linux: Callable[[], Path], convert: Convert, console: Recorder
) -> None:
    asked = ["raw", "ova", "box-libvirt"]
    announced = formats.steps([formats.FORMATS[name](formats.FORMATS[name].Options()) for name in asked])

    images = convert(linux(), *asked)

    assert list(images) == asked
    assert console.steps == announced


def test_a_full_disk_leaves_nothing_and_says_how_much_is_needed(
    noise: Path, convert: Convert, folder: Path, context: Context
) -> None:
    with file_size_limit(8 * MIB), pytest.raises(WorkerError, match=r"no room for .* need 48 MiB") as caught:
        convert(noise, "qcow2", "raw")

    assert "Free some disk space" in caught.value.hint
    assert list(folder.iterdir()) == []
    assert list(context.work.iterdir()) == []


def test_a_disk_that_fills_while_packing_leaves_nothing(noise: Path, convert: Convert, folder: Path) -> None:
    room = convert(noise, "vmdk")["vmdk"].file.stat().st_size

    # The OVA holds the descriptor as well.
    with file_size_limit(room), pytest.raises(WorkerError, match=r"no room for acme-wiki-1\.4\.0\.ova"):
        convert(noise, "vmdk", "ova")

    assert list(folder.iterdir()) == []


class CancelsHalfway(Recorder):
    def __init__(self) -> None:
        super().__init__()
        self.context: Context | None = None

    def progress(self, fraction: float) -> None:
        if fraction > 0.4 and self.context:
            self.context.stop.cancel()


@pytest.mark.parametrize("asked", [("qcow2", "raw", "vmdk"), ("vmdk", "ova")])
def test_a_cancelled_conversion_leaves_nothing(tmp_path: Path, noise: Path, folder: Path, asked: tuple[str]) -> None:
    console = CancelsHalfway()
    context = console.context = Context("b1", tmp_path / "w", tmp_path, tmp_path, console)
    context.work.mkdir()

    with pytest.raises(Cancelled):
        formats.convert(
            Image("disk", noise, size=MACHINE),
            "acme",
            [formats.FORMATS[name](formats.FORMATS[name].Options()) for name in asked],
            folder,
            context,
        )

    assert list(folder.iterdir()) == []
    assert list(context.work.iterdir()) == []


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """No file may grow beyond `limit` bytes: nearly a full disk, without a file system of its own."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_worker_without_a_program_is_told_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "qemu-img").symlink_to(find("qemu-img"))
    monkeypatch.setenv("PATH", str(tmp_path))
    box, qcow2 = formats.FORMATS["box-libvirt"], formats.FORMATS["qcow2"]

    qcow2(qcow2.Options()).verify()
    with pytest.raises(WorkerError, match="bsdtar is not installed") as caught:
        box(box.Options()).verify()

    assert "apt-get install libarchive-tools" in caught.value.hint
