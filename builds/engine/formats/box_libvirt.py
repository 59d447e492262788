"""Vagrant box for vagrant-libvirt (and vagrant-qemu)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .. import plugin
from ..context import Context
from ..image import Drive, Image
from .box import Box, vagrantfile
from .grain import Writer
from .qcow2 import Qcow2Writer
from .sink import Sink


class LibvirtBox(Box):
    name = "box-libvirt"
    label = "Vagrant box (libvirt)"
    suffix = ".libvirt.box"
    provider = "libvirt"
    disk = "box.img"

    class Options(plugin.Options):
        pass

    def image_writer(self, sink: Sink, capacity: int) -> Writer:
        # Not compressed a second time: the box is, and libvirt runs from what it unpacked.
        return Qcow2Writer(sink, capacity, compressed=False)

    def metadata(self, capacity: int) -> dict[str, Any]:
        # Whole gigabytes, and never less than the disk.
        return super().metadata(capacity) | {"format": "qcow2", "virtual_size": -(-capacity // 2**30)}

    def files(self, image: Image, name: str, capacity: int) -> dict[str, str]:
        # No word on the driver: whether the host has KVM is for its user to say.
        size = image.machine
        return {
            "Vagrantfile": vagrantfile(
                "config.vm.provider :libvirt do |libvirt|",
                f"  libvirt.cpus = {size.cpus}",
                f"  libvirt.memory = {-(-size.memory // 2**20)}",
                "end",
            )
        }

    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        self.unpack(image, folder, context)
        return self.boxed(folder / self.disk, "qcow2", "virtio-blk", "virtio-net-pci")
