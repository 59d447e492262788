"""The clients, in the order in which they are run. To add one: a file, and a line here."""

from __future__ import annotations

from ..client import Client
from . import (
    curl,
    gnupg,
    openssh,
    packer,
    qemu_img,
    sha256sum,
    simplestreams,
    vagrant,
    vagrant_cloud,
    virt_builder,
    wget,
)

CLIENTS: dict[str, Client] = {
    "curl": curl.CLIENT,
    "wget": wget.CLIENT,
    "sha256sum": sha256sum.CLIENT,
    "gpg": gnupg.CLIENT,
    "ssh-keygen": openssh.CLIENT,
    "qemu-img": qemu_img.CLIENT,
    "vagrant": vagrant.CLIENT,
    "vagrant-cloud": vagrant_cloud.CLIENT,
    "packer": packer.CLIENT,
    "virt-builder": virt_builder.CLIENT,
    "simplestreams": simplestreams.CLIENT,
}
