"""Whose software reads which format: what visitors choose by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    key: str
    label: str
    formats: tuple[str, ...]


FAMILIES = {
    family.key: family
    for family in (
        Family("vmware", "VMware", ("ova", "vmdk")),
        Family("virtualbox", "VirtualBox", ("ova",)),
        Family("vagrant", "Vagrant", ("box-libvirt", "box-virtualbox", "box-vmware_desktop")),
        Family("qemu", "QEMU", ("qcow2", "raw")),
    )
}
BOX_PROVIDERS = {name: name.removeprefix("box-") for name in FAMILIES["vagrant"].formats}
FORMAT_LABELS = {
    "qcow2": "QCOW2 disk",
    "raw": "Raw disk",
    "vmdk": "VMDK disk",
    "ova": "OVA",
    "box-libvirt": "Vagrant box for libvirt",
    "box-virtualbox": "Vagrant box for VirtualBox",
    "box-vmware_desktop": "Vagrant box for VMware",
}


def families_of(formats: Iterable[str]) -> list[Family]:
    """The families that can use at least one of the formats, in the order of the table."""
    present = set(formats)
    return [family for family in FAMILIES.values() if present.intersection(family.formats)]
