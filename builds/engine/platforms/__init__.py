"""The platforms: where a machine is born and becomes an image."""

from .base import Platform
from .ec2.platform import Ec2
from .qemu.platform import Qemu
from .upload.platform import Upload
from .vagrant.platform import Vagrant
from .vsphere.platform import Vsphere

PLATFORMS: dict[str, type[Platform]] = {
    "ec2": Ec2,
    "qemu": Qemu,
    "upload": Upload,
    "vagrant": Vagrant,
    "vsphere": Vsphere,
}
