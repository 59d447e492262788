"""foreign: images of others are taken only when they are disks that need no other file of this host."""

import hashlib
import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from builds.engine.bases.file import File, FileOptions
from builds.engine.bases.foreign import look
from builds.engine.bases.release import Release, ReleaseOptions
from builds.engine.context import Context
from builds.engine.errors import BuildError, SourceError


def qemu_img(*arguments: object) -> None:
    subprocess.run(["qemu-img", *map(str, arguments)], check=True, capture_output=True)


def test_an_image_that_reads_another_file_of_the_host_is_refused(disk: Path, tmp_path: Path, context: Context):
    secret = tmp_path / "secret"
    secret.write_bytes(b"key".ljust(1 << 20))
    backed, outside = tmp_path / "backed.qcow2", tmp_path / "outside.qcow2"
    qemu_img("create", "-f", "qcow2", "-F", "raw", "-b", secret, backed)
    qemu_img("create", "-f", "qcow2", "-o", f"data_file={secret},data_file_raw=on", outside, "1M")
    for path in (backed, outside):
        with pytest.raises(BuildError, match=f"does not stand alone: it refers to .*{secret}"):
            look(path, path.name, context)


def test_a_vmdk_whose_bytes_are_elsewhere_is_refused(disk: Path, tmp_path: Path, context: Context):
    flat, whole = tmp_path / "flat.vmdk", tmp_path / "whole.vmdk"
    qemu_img("convert", "-O", "vmdk", "-o", "subformat=monolithicFlat", disk, flat)
    qemu_img("convert", "-O", "vmdk", "-o", "subformat=streamOptimized", disk, whole)
    with pytest.raises(BuildError, match="not a disk image"):
        look(flat, "flat.vmdk", context)
    assert look(whole, "whole.vmdk", context) == "vmdk"


@pytest.mark.parametrize(
    ("start", "reason"),
    [
        (b"\x1f\x8b\x08", "packed with gzip"),
        (b"\xfd7zXZ\x00", "packed with xz"),
        (b"\0" * 32769 + b"CD001", "a CD image"),
        (b"QFI\xfb\x00\x00\x00\x09", "damaged qcow2"),
        (b"", "not a disk image"),
    ],
)
def test_what_is_no_disk_is_named(start: bytes, reason: str, tmp_path: Path, context: Context):
    path = tmp_path / "base.img"
    path.write_bytes(start)
    with pytest.raises(BuildError, match=f"base.img is .*{reason}"):
        look(path, "base.img", context)


@pytest.mark.parametrize("format", ["qcow2", "raw", "vmdk"])
def test_every_form_becomes_a_qcow2_with_the_same_content(format: str, disk: Path, tmp_path: Path, context: Context):
    qemu_img("convert", "-O", format, disk, context.source / "base.img")
    image = File(FileOptions(file="base.img")).prepare(context)
    information = json.loads(subprocess.check_output(["qemu-img", "info", "--output=json", image.file]))
    assert information["format"] == "qcow2"
    qemu_img("compare", image.file, disk)
    assert (context.source / "base.img").exists()


def test_a_file_outside_the_source_or_with_another_sum_is_refused(disk: Path, context: Context):
    with pytest.raises(SourceError, match="leads out of the source"):
        File(FileOptions(file="../disk.qcow2")).prepare(context)
    with pytest.raises(SourceError, match="is not in the source"):
        File(FileOptions(file="disk.qcow2")).prepare(context)
    disk.rename(context.source / "disk.qcow2")
    with pytest.raises(BuildError, match="wanted sha256 0000"):
        File(FileOptions(file="disk.qcow2", sha256="0" * 64)).prepare(context)


def test_a_release_is_asked_for_and_recorded_as_the_parent(disk: Path, context: Context):
    digest = hashlib.sha256(disk.read_bytes()).hexdigest()
    base = Release(ReleaseOptions(release="acme/base@1.2.0"))
    image = base.prepare(replace(context, releases={base.title: (disk, digest)}.__getitem__))
    assert image.details == {"digest": f"sha256:{digest}", "parent": "acme/base@1.2.0", "inputs": digest}
    assert disk.exists()
    with pytest.raises(BuildError, match="knows of no catalog"):
        base.prepare(context)
