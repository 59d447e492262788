"""From what `vagrant package` wrote to the box that people download."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.formats.box_libvirt import LibvirtBox
from builds.engine.image import Image, Size
from builds.engine.platforms.vagrant.package import Box, rewrite

BOX = Box("libvirt", "acme-wiki-1.0", Size(cpus=1, memory=256 << 20, disk=1 << 30), {"disk_bus": "sata"})
METADATA = {"provider": "libvirt", "format": "qcow2", "virtual_size": 7}
HARDCODED = 'Vagrant.configure("2") { |c| c.vm.provider(:libvirt) { |l| l.driver = "kvm" } }\n'


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """With a snapshot, of which nobody must learn."""
    path = tmp_path / "box.img"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "1G"], check=True)
    subprocess.run(["qemu-img", "snapshot", "-c", "before", path], check=True)
    return path


def packed(target: Path, disk: Path, metadata: object = METADATA, **extra: bytes | str) -> Path:
    """A tar as vagrant-libvirt makes it; of `extra`, a text is where a symbolic link leads."""
    with tarfile.open(target, "w:gz") as tar:
        for name, content in {
            "./Vagrantfile": HARDCODED.encode(),
            "./box.img": disk.read_bytes(),
            "./metadata.json": json.dumps(metadata).encode(),
            **extra,
        }.items():
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                tar.addfile(entry)
            else:
                entry.size = len(content)
                tar.addfile(entry, io.BytesIO(content))
    return target


def rewritten(source: Path, context: Context, folder: Path) -> Image:
    target = folder / "acme-wiki-1.0.libvirt.box"
    rewrite(source, target, BOX, context.folder("parts"), context)
    return Image("box-libvirt", path=target)


def test_it_is_a_box_of_our_own_form(disk: Path, context: Context, folder: Path, tmp_path: Path):
    image = rewritten(packed(tmp_path / "packed", disk), context, folder)

    with tarfile.open(image.file, "r:gz") as tar:
        assert tar.getnames() == ["metadata.json", "info.json", "Vagrantfile", "box.img"]
    opened = context.folder("opened")
    LibvirtBox(LibvirtBox.Options()).unpack(image, opened, context)
    assert json.loads((opened / "metadata.json").read_text()) == {
        "provider": "libvirt",
        "format": "qcow2",
        "virtual_size": 1,
        "architecture": "amd64",
    }
    text = (opened / "Vagrantfile").read_text()
    assert "driver" not in text
    assert "machine.disk_bus = 'sata'" in text
    assert not subprocess.check_output(["qemu-img", "snapshot", "-l", opened / "box.img"])


def test_no_key_and_no_file_from_elsewhere_gets_in(disk: Path, context: Context, folder: Path, tmp_path: Path):
    tricks: dict[str, bytes | str] = {
        "./vagrant_private_key": b"-----BEGIN OPENSSH PRIVATE KEY-----",
        "./include/_Vagrantfile": b"system('id')",
        "../escaped.img": b"out",
        "/absolute.img": b"out",
        "./linked.img": "/etc/passwd",
    }
    image = rewritten(packed(tmp_path / "packed", disk, **tricks), context, folder)

    with tarfile.open(image.file, "r:gz") as tar:
        assert tar.getnames() == ["metadata.json", "info.json", "Vagrantfile", "box.img"]
    assert not list(tmp_path.rglob("escaped.img"))


def test_a_box_of_another_provider_is_refused(disk: Path, context: Context, folder: Path, tmp_path: Path):
    with pytest.raises(BuildError, match="Vagrant made a box for lxc, not for libvirt"):
        rewritten(packed(tmp_path / "packed", disk, {"provider": "lxc"}), context, folder)
