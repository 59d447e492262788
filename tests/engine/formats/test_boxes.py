"""Vagrant boxes: Vagrant takes them; they hold the machine and Vagrant's user, whom nothing else holds."""

from __future__ import annotations

import gzip
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from builds.engine.command import run
from builds.engine.errors import BuildError
from builds.engine.formats import vagrant_key
from builds.engine.image import Drive, Image

from .conftest import MIB, Convert, same

BOXES = {"box-libvirt": "libvirt", "box-virtualbox": "virtualbox", "box-vmware_desktop": "vmware_desktop"}
ROOT = f"?offset={MIB}"


def debugfs(raw: Path, command: str) -> str:
    return run(["debugfs", "-R", command, f"{raw}{ROOT}"])


@pytest.fixture
def boxes(linux: Callable[[], Path], convert: Convert) -> dict[str, Image]:
    return convert(linux(), "raw", *BOXES)


def test_boxes_hold_the_machine_and_the_user_whom_no_other_format_has(
    boxes: dict[str, Image], open_image: Callable[[Image], Drive], tmp_path: Path
) -> None:
    drives = {name: open_image(image) for name, image in boxes.items()}
    clean, boxed = tmp_path / "clean.raw", tmp_path / "boxed.raw"
    for name, raw in (("raw", clean), ("box-libvirt", boxed)):
        run(["qemu-img", "convert", "-f", drives[name].format, "-O", "raw", drives[name].path, raw])

    for name in BOXES:
        assert same(drives[name].path, drives[name].format, boxed, "raw"), name
        assert drives[name].user == "vagrant"
        assert drives[name].private_key == vagrant_key.PRIVATE
    key = vagrant_key.PUBLIC[0].encode()
    assert key in boxed.read_bytes()
    assert key not in clean.read_bytes()
    assert "vagrant" not in debugfs(clean, "cat /etc/passwd")
    assert debugfs(boxed, "cat /var/lib/data") == debugfs(clean, "cat /var/lib/data") == "slipway " * 100_000


def test_the_root_file_system_stays_sound(
    boxes: dict[str, Image], open_image: Callable[[Image], Drive], tmp_path: Path
) -> None:
    drive, raw = open_image(boxes["box-libvirt"]), tmp_path / "boxed.raw"
    run(["qemu-img", "check", "-f", "qcow2", drive.path])
    run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", drive.path, raw])

    run(["e2fsck", "-f", "-n", f"{raw}{ROOT}"])


def test_each_box_starts_on_the_hardware_that_it_names(
    boxes: dict[str, Image], open_image: Callable[[Image], Drive]
) -> None:
    hardware = {
        name: (drive.controller, drive.nic) for name, drive in ((name, open_image(boxes[name])) for name in BOXES)
    }

    assert hardware == {
        "box-libvirt": ("virtio-blk", "virtio-net-pci"),
        "box-virtualbox": ("ide", "virtio-net-pci"),
        "box-vmware_desktop": ("pvscsi", "vmxnet3"),
    }


def test_a_box_is_a_gnu_tar_of_plain_files_that_tells_its_provider(boxes: dict[str, Image]) -> None:
    for name, provider in BOXES.items():
        with gzip.open(boxes[name].file) as packed, tarfile.open(fileobj=packed, mode="r:") as archive:
            assert all(member.isreg() and not member.pax_headers for member in archive), name
            metadata = archive.extractfile("metadata.json")
            assert metadata
            told = json.loads(metadata.read())
            assert (told["provider"], told["architecture"]) == (provider, "amd64")
            assert ("virtual_size" in told) == (provider == "libvirt")


def test_libvirt_is_told_whole_gigabytes_that_the_disk_fits_in(linux: Callable[[int], Path], convert: Convert) -> None:
    image = convert(linux(1025 * MIB), "box-libvirt")["box-libvirt"]

    with tarfile.open(image.file) as archive:
        metadata = archive.extractfile("metadata.json")
        assert metadata
        assert json.loads(metadata.read())["virtual_size"] == 2


def test_a_box_of_another_provider_is_refused(boxes: dict[str, Image], open_image: Callable[[Image], Drive]) -> None:
    wrong = Image("box-libvirt", boxes["box-vmware_desktop"].file)

    with pytest.raises(BuildError, match="is a box for vmware_desktop, not for libvirt"):
        open_image(wrong)


@pytest.mark.vagrant
def test_vagrant_takes_every_box(boxes: dict[str, Image], tmp_path: Path) -> None:
    env = {
        "VAGRANT_HOME": str(tmp_path / "vagrant"),
        "VAGRANT_CHECKPOINT_DISABLE": "1",
        "PATH": os.environ["PATH"],
    }

    for name, provider in BOXES.items():
        argv = ["vagrant", "box", "add", "--name", "acme/wiki", "--provider", provider, boxes[name].file]
        run(argv, env=env, cwd=tmp_path)

    listed = run(["vagrant", "box", "list", "--machine-readable"], env=env, cwd=tmp_path)
    assert sorted(line.split(",")[3] for line in listed.splitlines() if ",box-provider," in line) == sorted(
        BOXES.values()
    )
