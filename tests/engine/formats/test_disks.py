"""qcow2, VMDK and raw hold exactly what the captured disk holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from builds.engine.command import run
from builds.engine.image import Drive, Image

from .conftest import MIB, Convert, chain, same, scatter

DISKS = ["qcow2", "raw", "vmdk"]


@pytest.mark.parametrize("compressed", [False, True], ids=["plain base", "compressed base"])
@pytest.mark.parametrize("size", [16 * MIB, 700 * MIB + 5 * 512], ids=["whole grains", "odd size"])
def test_every_disk_format_holds_the_captured_disk(
    tmp_path: Path, convert: Convert, open_image: Callable[[Image], Drive], size: int, compressed: bool
) -> None:
    disk = chain(scatter(tmp_path / "disk.raw", size), compressed=compressed)

    images = convert(disk, *DISKS)

    for image in images.values():
        drive = open_image(image)
        assert same(disk, "qcow2", drive.path, drive.format), image.format
    run(["qemu-img", "check", "-f", "qcow2", images["qcow2"].file])
    run(["qemu-img", "check", "-f", "vmdk", images["vmdk"].file])


def test_an_empty_disk_stays_empty(tmp_path: Path, convert: Convert, open_image: Callable[[Image], Drive]) -> None:
    disk = tmp_path / "empty.qcow2"
    run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "40M"])

    images = convert(disk, *DISKS)

    for image in images.values():
        drive = open_image(image)
        assert same(disk, "qcow2", drive.path, drive.format), image.format
        assert image.file.stat().st_size < 400_000


def test_what_cannot_be_compressed_is_stored(
    tmp_path: Path, convert: Convert, open_image: Callable[[Image], Drive]
) -> None:
    raw, disk = tmp_path / "noise.raw", tmp_path / "noise.qcow2"
    run(["dd", "if=/dev/urandom", f"of={raw}", "bs=1M", "count=4"])
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk])

    images = convert(disk, *DISKS)

    for image in images.values():
        drive = open_image(image)
        assert same(raw, "raw", drive.path, drive.format), image.format
    run(["qemu-img", "check", images["qcow2"].file])


def test_gunzip_gives_the_raw_disk(tmp_path: Path, convert: Convert) -> None:
    raw, disk = scatter(tmp_path / "disk.raw", 40 * MIB + 512), tmp_path / "disk.qcow2"
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk])

    image = convert(disk, "raw")["raw"]

    run(["gunzip", "--keep", image.file])
    assert image.file.with_suffix("").read_bytes() == raw.read_bytes()


def test_a_raw_disk_that_looks_like_qcow2_is_not_taken_for_one(
    tmp_path: Path, convert: Convert, open_image: Callable[[Image], Drive]
) -> None:
    """A guest can write a qcow2 header into its disk that names any of the host's files as backing file."""
    secret, inner, disk = tmp_path / "secret", tmp_path / "inner.qcow2", tmp_path / "disk.qcow2"
    secret.write_bytes(b"secret".ljust(512))
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", secret, inner])
    # Compressed, so that it has to be unpacked first.
    run(["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", inner, disk])

    drive = open_image(convert(disk, "raw")["raw"])

    assert drive.format == "raw"
    assert drive.path.read_bytes()[: inner.stat().st_size] == inner.read_bytes()
