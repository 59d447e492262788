"""Whose software reads which format: what visitors choose by."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

BOX = "box-"
"""How the formats of Vagrant's boxes begin; the rest is the provider, which may be any."""


@dataclass(frozen=True)
class Family:
    key: str
    label: str
    formats: tuple[str, ...]
    prefix: str = ""
    """Every format that begins so is the family's, too."""

    def reads(self, format_: str) -> bool:
        return format_ in self.formats or bool(self.prefix and format_.startswith(self.prefix))

    def condition(self) -> Q:
        """`reads()` for a query about artifacts."""
        return Q(format__in=self.formats) | (Q(format__startswith=self.prefix) if self.prefix else Q())


FAMILIES = {
    family.key: family
    for family in (
        Family("aws", "AWS", ("ami",)),
        Family("vmware", "VMware", ("ova", "vmdk", "vsphere-template")),
        Family("virtualbox", "VirtualBox", ("ova",)),
        Family("vagrant", "Vagrant", ("box-libvirt", "box-virtualbox", "box-vmware_desktop"), BOX),
        Family("qemu", "QEMU", ("qcow2", "raw")),
    )
}
# format: (what its button says, what fits beside a bar); the order is that of the pages.
FORMATS = {
    "ami": ("AMI", "AMI"),
    "ova": ("OVA", "OVA"),
    "vmdk": ("VMDK disk", "VMDK"),
    "vsphere-template": ("vSphere template", "vSphere"),
    "box-vmware_desktop": ("Vagrant box for VMware", "Vagrant, VMware"),
    "box-virtualbox": ("Vagrant box for VirtualBox", "Vagrant, VirtualBox"),
    "box-libvirt": ("Vagrant box for libvirt", "Vagrant, libvirt"),
    "qcow2": ("QCOW2 disk", "QCOW2"),
    "raw": ("Raw disk", "Raw"),
}


def label(format_: str) -> str:
    if format_ in FORMATS:
        return FORMATS[format_][0]
    return f"Vagrant box for {format_.removeprefix(BOX)}" if format_.startswith(BOX) else format_


def place(format_: str) -> int:
    """Where pages show a format among the others."""
    return list(FORMATS).index(format_) if format_ in FORMATS else len(FORMATS)


def families_of(formats: Iterable[str]) -> list[Family]:
    """The families that can use at least one of the formats, in the order of the table."""
    present = set(formats)
    return [family for family in FAMILIES.values() if any(map(family.reads, present))]
