"""The platforms: where a machine is born and becomes an image."""

from .base import Platform
from .qemu.platform import Qemu
from .vsphere.platform import Vsphere

PLATFORMS: dict[str, type[Platform]] = {
    "qemu": Qemu,
    "vsphere": Vsphere,
}
