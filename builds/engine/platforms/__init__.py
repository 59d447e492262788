"""The platforms: where a machine is born and becomes an image."""

from .base import Platform
from .qemu.platform import Qemu

PLATFORMS: dict[str, type[Platform]] = {
    "qemu": Qemu,
}
