"""Vagrant box for VirtualBox."""

from __future__ import annotations

from pathlib import Path

from .. import plugin
from ..context import Context
from ..errors import BuildError
from ..image import Drive, Image
from . import ovf
from .box import Box, vagrantfile
from .grain import Writer
from .ova import CONTROLLERS, NICS
from .sink import Sink
from .vmdk import StreamWriter

DESCRIPTOR = "box.ovf"  # the name that Vagrant looks for


class VirtualboxBox(Box):
    name = "box-virtualbox"
    label = "Vagrant box (VirtualBox)"
    suffix = ".virtualbox.box"
    provider = "virtualbox"
    disk = "box-disk1.vmdk"

    class Options(plugin.Options):
        pass

    def image_writer(self, sink: Sink, capacity: int) -> Writer:
        return StreamWriter(sink, capacity, self.disk)

    def files(self, image: Image, name: str, capacity: int) -> dict[str, str]:
        return {
            DESCRIPTOR: ovf.describe(name, image.machine, capacity, self.disk),
            # Vagrant gives the first network card this address: the descriptor's.
            "Vagrantfile": vagrantfile(f'config.vm.base_mac = "{ovf.mac(name)}"'),
        }

    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        self.unpack(image, folder, context)
        hardware, mac = ovf.read_vbox((folder / DESCRIPTOR).read_bytes())
        if f'"{mac}"' not in (folder / "Vagrantfile").read_text("utf-8"):
            raise BuildError(f"The Vagrantfile of {image.file.name} names another MAC address than {DESCRIPTOR}.")
        return self.boxed(folder / hardware.disk, "vmdk", CONTROLLERS[hardware.controller], NICS[hardware.nic])
