"""OVA: the VMDK and its OVF descriptor in one file, for vSphere, VMware's desktop products and VirtualBox."""

from __future__ import annotations

import hashlib
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from .. import plugin, tar
from ..context import Context
from ..errors import BuildError
from ..image import Drive, Image
from . import ova_certificate, ovf
from .base import PackedFormat
from .vmdk import Vmdk, read_capacity

CHUNK = 2**20
SUM = re.compile(r"^SHA256\((.+)\)= ([0-9a-f]{64})$", re.MULTILINE)
# What the descriptor calls the hardware, and what the machine is started with.
CONTROLLERS = {"VirtualSCSI": "pvscsi", "PIIX4": "ide"}
NICS = {"VmxNet3": "vmxnet3", "virtio": "virtio-net-pci"}


class Ova(PackedFormat):
    name = "ova"
    label = "VMware and VirtualBox (OVA)"
    source = Vmdk.name
    suffix = ".ova"
    media_type = "application/ovf"

    class Options(plugin.Options):
        hardware_version: ovf.HardwareVersion = ovf.DEFAULT_HARDWARE
        """VMware's virtual hardware. A host refuses a newer one: vSphere 6.7 has 14, 7.0 has 17."""

    def details(self) -> dict[str, str]:
        return {"hardware version": f"vmx-{self.options.hardware_version}", "runs on": "VMware, VirtualBox"}

    def pack(self, image: Image, file: BinaryIO, name: str, context: Context) -> None:
        size = image.file.stat().st_size
        if size >= tar.USTAR_LIMIT:
            raise BuildError(
                f"The disk of {size / 2**30:.1f} GiB is too large for an OVA, which holds less than 8 GiB.",
                hint="Make the machine smaller, or ask for vmdk instead of ova.",
            )
        disk = f"{name}-disk1.vmdk"
        descriptor = ovf.describe(
            *(name, image.machine, read_capacity(image.file), disk),
            file_size=size,
            hardware=self.options.hardware_version,
        ).encode()
        sums = {f"{name}.ovf": hashlib.sha256(descriptor), disk: hashlib.sha256()}
        for chunk in _chunks(image.file, context):
            sums[disk].update(chunk)
        manifest = "".join(f"SHA256({each})= {digest.hexdigest()}\n" for each, digest in sums.items()).encode()

        # The order is the standard's: descriptor, manifest, certificate, disks; importers read the file as it comes.
        file.write(tar.member(f"{name}.ovf", descriptor, tar.USTAR))
        file.write(tar.member(f"{name}.mf", manifest, tar.USTAR))
        if certificate := ova_certificate.sign(manifest, name):
            file.write(tar.member(f"{name}.cert", certificate, tar.USTAR))
        file.write(tar.header(disk, size, tar.USTAR))
        done = 0
        for chunk in _chunks(image.file, context):
            file.write(chunk)
            done += len(chunk)
            context.console.progress(done / size)
        file.write(tar.padding(size) + tar.END)

    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        names = unpack(image.file, folder, context)
        if [Path(name).suffix for name in names if not name.endswith(".cert")] != [".ovf", ".mf", ".vmdk"]:
            raise BuildError(f"{image.file.name} holds {', '.join(names)} instead of descriptor, manifest and disk.")
        descriptor, manifest, following, *_ = (folder / name for name in names)
        verify(manifest, context)
        if following.suffix == ".cert":
            ova_certificate.verify(manifest, following)
        hardware = ovf.read(descriptor.read_bytes())
        path = folder / hardware.disk
        return Drive(path, "vmdk", CONTROLLERS[hardware.controller], NICS[hardware.nic])


def unpack(source: Path, folder: Path, context: Context) -> list[str]:
    """Unpack; the members' names in order. BuildError when it is not the plain tar that importers read."""
    try:
        with tarfile.open(source, "r:") as archive:
            members = archive.getmembers()
            if any(not each.isreg() or "/" in each.name or each.pax_headers for each in members):
                raise tarfile.TarError("it holds more than plain files")
            for each in members:
                context.check()
                archive.extract(each, folder, filter="data")
    except tarfile.TarError as error:
        raise BuildError(f"{source.name} is not a whole OVA: {error}") from error
    return [each.name for each in members]


def verify(manifest: Path, context: Context) -> None:
    """Compare the files beside the manifest with it."""
    text = manifest.read_text("ascii")
    sums: dict[str, str] = dict(SUM.findall(text))
    if len(sums) != len(text.splitlines()) or not sums:
        raise BuildError(f"{manifest.name} is not a manifest of SHA-256 sums.")
    for name, expected in sums.items():
        digest = hashlib.sha256()
        for chunk in _chunks(manifest.with_name(name), context):
            digest.update(chunk)
        if digest.hexdigest() != expected:
            raise BuildError(f"{name} differs from its sum in {manifest.name}.")


def _chunks(path: Path, context: Context) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            context.check()
            yield chunk
