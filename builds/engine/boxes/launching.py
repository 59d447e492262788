"""Launches a stranger's box in QEMU as its user would: with its own disk, and Vagrant's well-known key."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from ..command import run
from ..context import Context
from ..errors import BuildError, Untestable
from ..formats import vagrant_key, vagrant_user
from ..formats.base import FileFormat
from ..image import Drive, Image
from ..plugin import Options as PluginOptions
from .contents import name_of
from .disks import stands_alone
from .hardware import of_ovf, of_vmx

HEAD = 512
Found = tuple[str, str, str]
"""A disk's name in the box, the controller that it is on, and the network card."""


class UploadedBox(FileFormat):
    """One box of a release, under the name that the results of its checks have."""

    name: ClassVar[str] = "box"
    label: ClassVar[str] = "Box made elsewhere"
    suffix = ".box"
    media_type = "application/gzip"
    programs = ("qemu-img", "bsdtar")
    Options = PluginOptions

    def __init__(self, provider: str, name: str) -> None:
        super().__init__(PluginOptions())
        self.provider = provider
        self.name = name  # type: ignore[misc]  # of other formats there is one each
        self.label = f"the box {name.removeprefix('box-')}"  # type: ignore[misc]

    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        argv: list[str | Path] = ["bsdtar", "-x", "-f", image.file, "-C", folder]
        run([*argv, "--no-same-owner", "--no-same-permissions"], context, error=BuildError)
        name, controller, nic = BOOTABLE[self.provider](folder)
        path = folder / (name_of(name) or "nowhere")
        if path.is_symlink() or not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
            raise BuildError(f"The box has no disk {name}.", hint="Pack it again, with its disk.")
        return Drive(
            path,
            _format(path, context),
            controller,
            nic,
            user=vagrant_user.NAME,
            private_key=vagrant_key.PRIVATE,
            other_key=vagrant_key.OLD_PRIVATE,
        )


def _format(path: Path, context: Context) -> str:
    """QEMU's name for it. BuildError when opening the disk would read anything but this one file."""
    with path.open("rb") as file:
        head = file.read(HEAD)
    if not stands_alone(head):
        raise Untestable(f"the disk {path.name} is no qcow2 or VMDK in one file")
    format = "qcow2" if head.startswith(b"QFI") else "vmdk"
    said = json.loads(run(["qemu-img", "info", "--output=json", "-f", format, path], context, error=BuildError))
    if said.get("backing-filename") or _extents(said) - {str(path)}:
        raise BuildError(f"The disk {path.name} is a part of another one.", hint="Flatten it with `qemu-img convert`.")
    return format


def _extents(said: dict[str, Any]) -> set[str]:
    data = said.get("format-specific", {}).get("data", {})
    return {str(each.get("filename")) for each in data.get("extents", ())}


def _libvirt(folder: Path) -> Found:
    metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    disks = metadata.get("disks") or [{"path": "box.img"}]
    return disks[0]["path"], "virtio-blk", "virtio-net-pci"


def _virtualbox(folder: Path) -> Found:
    return of_ovf((folder / "box.ovf").read_bytes())


def _vmware(folder: Path) -> Found:
    metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
    name = metadata.get("vmx_file") or next(iter(sorted(path.name for path in folder.glob("*.vmx"))), "")
    return of_vmx((folder / name).read_bytes())


BOOTABLE: dict[str, Callable[[Path], Found]] = {
    "libvirt": _libvirt,
    "virtualbox": _virtualbox,
    **dict.fromkeys(("vmware_desktop", "vmware_fusion", "vmware_workstation"), _vmware),
}
