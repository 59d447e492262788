"""The platforms: where a machine is born and becomes an image."""

from .base import Platform
from .ec2.platform import Ec2
from .qemu.platform import Qemu

PLATFORMS: dict[str, type[Platform]] = {
    "ec2": Ec2,
    "qemu": Qemu,
}
