"""The platforms: where a machine is born and becomes an image."""

from .base import Platform
from .qemu.platform import Qemu
from .vagrant.platform import Vagrant

PLATFORMS: dict[str, type[Platform]] = {
    "qemu": Qemu,
    "vagrant": Vagrant,
}
