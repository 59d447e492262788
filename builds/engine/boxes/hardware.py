"""On which virtual hardware a foreign machine expects to run, and what of that QEMU has."""

from __future__ import annotations

from xml.etree import ElementTree

from ..errors import BuildError, Untestable
from .providers import settings_of

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
VBOX = "{http://www.virtualbox.org/ovf/machine}"
UEFI = "it starts by UEFI, which machines here do not have"
# VirtualBox's and VMware's words; what QEMU has no twin of gets what most kernels bring a driver for.
CONTROLLERS = {"PIIX3": "ide", "PIIX4": "ide", "ICH6": "ide", "AHCI": "ahci", "LsiLogic": "lsilogic"}
CONTROLLERS |= {"BusLogic": "lsilogic", "LsiLogicSas": "lsilogic", "VirtioSCSI": "virtio-scsi"}
VMX_CONTROLLERS = {"pvscsi": "pvscsi", "lsilogic": "lsilogic", "lsisas1068": "lsilogic"}
VMX_NICS = {"vmxnet3": "vmxnet3", "e1000": "e1000", "e1000e": "e1000e"}
Found = tuple[str, str, str]


def of_ovf(text: bytes) -> Found:
    """The first disk that a descriptor names, and what VirtualBox attaches it and the first network card to."""
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 -- it was looked at when it came: it has no entities
    except ElementTree.ParseError as error:
        raise BuildError(f"box.ovf is no XML: {error}.", hint="Export the machine again.") from None
    files = [each.get(f"{OVF}href", "") for each in root.iter(f"{OVF}File")]
    if not files:
        raise BuildError("box.ovf names no disk.", hint="Export the machine again, with its disk.")
    machine = root.find(f".//{VBOX}Machine")
    controller, nic = "ide", "virtio-net-pci"
    if machine is not None:
        for each in machine.iter(f"{OVF}StorageController"):
            if each.find(f"{OVF}AttachedDevice[@type='HardDisk']") is not None:
                controller = CONTROLLERS.get(each.get("type", ""), "ide")
        adapter = machine.find(f".//{OVF}Adapter[@slot='0']")
        kind = adapter.get("type", "") if adapter is not None else ""
        nic = "e1000" if kind.startswith("82") else "virtio-net-pci"
        firmware = machine.find(f".//{OVF}Firmware")
        if firmware is not None and firmware.get("type", "BIOS") != "BIOS":
            raise Untestable(UEFI)
    return files[0], controller, nic


def of_vmx(text: bytes) -> Found:
    """The first disk of the settings of one of VMware's machines."""
    settings = {key.lower(): value for key, value in settings_of(text).items()}
    if settings.get("firmware", "bios") != "bios":
        raise Untestable(UEFI)
    for key, value in sorted(settings.items()):
        place, _, what = key.partition(".")
        if what == "filename" and value.lower().endswith(".vmdk") and ":" in place:
            bus = place.partition(":")[0]
            if bus.startswith("sata"):
                controller = "ahci"
            elif bus.startswith("scsi"):
                controller = VMX_CONTROLLERS.get(settings.get(f"{bus}.virtualdev", "lsilogic"), "lsilogic")
            else:
                controller = "ide"
            return value, controller, VMX_NICS.get(settings.get("ethernet0.virtualdev", "e1000"), "e1000")
    raise BuildError("The .vmx file names no disk.", hint='It needs a line: scsi0:0.fileName = "disk.vmdk".')
