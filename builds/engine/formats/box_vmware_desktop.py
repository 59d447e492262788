"""Vagrant box for VMware Workstation and Fusion."""

from __future__ import annotations

import re
from pathlib import Path

from .. import plugin
from ..context import Context
from ..errors import BuildError
from ..image import Drive, Image
from .box import Box, vagrantfile
from .grain import Writer
from .ovf import DEFAULT_HARDWARE
from .sink import Sink
from .vmdk import SparseWriter

MACHINE = "box.vmx"


class VmwareBox(Box):
    name = "box-vmware_desktop"
    label = "Vagrant box (VMware)"
    suffix = ".vmware.box"
    provider = "vmware_desktop"
    disk = "box.vmdk"

    class Options(plugin.Options):
        pass

    def image_writer(self, sink: Sink, capacity: int) -> Writer:
        # The desktop products run the disk in place, which a streamOptimized one does not allow.
        return SparseWriter(sink, capacity, self.disk)

    def files(self, image: Image, name: str, capacity: int) -> dict[str, str]:
        settings = {
            ".encoding": "UTF-8",
            "config.version": "8",
            "virtualHW.version": str(DEFAULT_HARDWARE),
            "displayName": name,
            "guestOS": "other3xlinux-64",
            "firmware": "bios",
            "numvcpus": str(image.machine.cpus),
            "memsize": str(-(-image.machine.memory // 2**22) * 4),  # MB, in steps of 4
            "pciBridge0.present": "TRUE",
            "pciBridge4.present": "TRUE",
            "pciBridge4.virtualDev": "pcieRootPort",
            "pciBridge4.functions": "8",
            "hpet0.present": "TRUE",
            "vmci0.present": "TRUE",
            "floppy0.present": "FALSE",
            "scsi0.present": "TRUE",
            "scsi0.virtualDev": "pvscsi",
            "scsi0:0.present": "TRUE",
            "scsi0:0.fileName": self.disk,
            "ethernet0.present": "TRUE",
            "ethernet0.virtualDev": "vmxnet3",
            "ethernet0.connectionType": "nat",
            "ethernet0.addressType": "generated",
        }
        vmx = "".join(f'{key} = "{value}"\n' for key, value in settings.items())
        return {MACHINE: vmx, "Vagrantfile": vagrantfile()}

    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        self.unpack(image, folder, context)
        text = (folder / MACHINE).read_text("utf-8")
        settings = dict(re.findall(r'^(\S+) = "(.*)"$', text, re.MULTILINE))
        try:
            path, controller = folder / settings["scsi0:0.fileName"], settings["scsi0.virtualDev"]
            nic = settings["ethernet0.virtualDev"]
        except KeyError as error:
            raise BuildError(f"{MACHINE} in {image.file.name} does not set {error}.") from error
        return self.boxed(path, "vmdk", controller, nic)
