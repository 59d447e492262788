"""Packer's builders, by what they are called there."""

from __future__ import annotations

from .base import Make, Target
from .disk import disk
from .ec2 import ec2
from .other import other
from .vagrant import vagrant
from .vsphere import vsphere

BUILDERS: dict[str, Make] = {
    "amazon-ebs": ec2,
    "hyperv-iso": disk,
    "hyperv-vmcx": disk,
    "parallels-iso": disk,
    "parallels-pvm": disk,
    "qemu": disk,
    "vagrant": vagrant,
    "virtualbox-iso": disk,
    "virtualbox-ovf": disk,
    "virtualbox-vm": disk,
    "vmware-iso": disk,
    "vmware-vmx": disk,
    "vsphere-clone": vsphere,
    "vsphere-iso": disk,
}

PLATFORMS = {"amazon-ebs": "ec2", "vagrant": "vagrant", "vsphere-clone": "vsphere"}
"""Where their machines are born; all others' are on qemu."""
BEST_FIRST = ("qemu", "amazon-ebs", "vsphere-clone", "vagrant")
"""Of several that mean the same machine, the one that a template is made from."""

__all__ = ["BEST_FIRST", "BUILDERS", "PLATFORMS", "Make", "Target", "other"]
