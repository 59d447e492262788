"""OVA files: machines out of a vCenter, and into one."""

from __future__ import annotations

import hashlib
import shutil
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from xml.etree import ElementTree

from pyVmomi import vim

from .. import tar
from ..context import Context
from ..errors import BuildError, WorkerError
from . import marks
from .errors import explained
from .inventory import Survey
from .leases import Broken, Download, borrowed, device_of, disks_of
from .machines import Owned
from .transfer import PIECE

OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
TRIES = 3


def export(mine: Owned, target: Path, name: str, context: Context) -> None:
    """Write a machine that is off into an OVA. A transfer that breaks off begins anew, a few times."""
    for left in reversed(range(TRIES)):
        with TemporaryDirectory(prefix="export-", dir=context.work) as folder:
            try:
                descriptor, disks = _download(mine, Path(folder), name, context)
            except Broken as error:
                if not left:
                    raise
                context.console.write(f"{error.message} Trying again.\n")
                context.wait(1)
                continue
            _pack(target, name, descriptor, disks, context)
            return


def _download(mine: Owned, folder: Path, name: str, context: Context) -> tuple[bytes, list[Download]]:
    session, doing = mine.session, "The export"
    with borrowed(session, mine.vm.ExportVm, context, doing) as lease:
        devices = disks_of(lease.info)
        most = lease.info.totalDiskCapacityInKB * 1024 // max(len(devices), 1)
        disks = []
        for number, device in enumerate(devices, start=1):
            disks.append(lease.download(device, folder / f"{name}-disk{number}.vmdk", most))
        sums = lease.sums()
        for device, disk in zip(devices, disks, strict=True):
            _verify(disk, sums.get(device.key))
        files = [
            vim.OvfManager.OvfFile(deviceId=device.key, path=disk.path.name, size=disk.size)
            for device, disk in zip(devices, disks, strict=True)
        ]
        params = vim.OvfManager.CreateDescriptorParams(name=name, ovfFiles=files)
        described = session.content.ovfManager.CreateDescriptor(mine.vm, params)
    if described.error:
        raise BuildError(f"The vCenter cannot describe the machine as OVF: {_messages(described.error)}.")
    return described.ovfDescriptor.encode(), disks


def _verify(disk: Download, sent: Any) -> None:
    """Compare with what the vCenter says it has sent, as far as it says so."""
    if sent is None:
        return
    kind = str(getattr(sent, "checksumType", None) or "sha1").lower()
    said = sent.checksum if getattr(sent, "checksum", None) else sent.sha1
    if kind in disk.digests and said and said != disk.digests[kind]:
        raise Broken(f"{disk.path.name} did not come as it was sent: its {kind} sum differs.")


def _pack(target: Path, name: str, descriptor: bytes, disks: Sequence[Download], context: Context) -> None:
    sums = {f"{name}.ovf": hashlib.sha256(descriptor).hexdigest()}
    sums |= {disk.path.name: disk.digests["sha256"] for disk in disks}
    manifest = "".join(f"SHA256({file})= {digest}\n" for file, digest in sums.items()).encode()
    if too_large := [disk for disk in disks if disk.size >= tar.USTAR_LIMIT]:
        raise BuildError(
            f"The disk of {too_large[0].size / 2**30:.1f} GiB is too large for an OVA, which holds less than 8 GiB.",
            hint="Make the machine smaller, or ask for vsphere-template alone.",
        )
    part = target.with_name(f".{target.name}.part")
    try:
        with part.open("wb") as file:
            # The order is the standard's: descriptor, manifest, disks.
            file.write(tar.member(f"{name}.ovf", descriptor, tar.USTAR))
            file.write(tar.member(f"{name}.mf", manifest, tar.USTAR))
            for disk in disks:
                context.check()
                file.write(tar.header(disk.path.name, disk.size, tar.USTAR))
                with disk.path.open("rb") as source:
                    shutil.copyfileobj(source, file, PIECE)
                file.write(tar.padding(disk.size))
            file.write(tar.END)
        part.replace(target)
    except OSError as error:
        raise WorkerError(f"{target} could not be written: {error}.", hint="Free some disk space.") from error
    finally:
        part.unlink(missing_ok=True)


@dataclass(frozen=True)
class Package:
    """An OVA, opened."""

    descriptor: str
    networks: tuple[str, ...]
    members: dict[str, tuple[int, int]]
    """Where each file begins, and how long it is."""
    file: BinaryIO


@contextmanager
def opened(path: Path) -> Iterator[Package]:
    with path.open("rb") as file:
        try:
            with tarfile.open(fileobj=file, mode="r:") as archive:
                members = {each.name: (each.offset_data, each.size) for each in archive.getmembers()}
                first = next(iter(members))
                source = archive.extractfile(first)
                text = source.read().decode() if source else ""
            root = ElementTree.fromstring(text)  # noqa: S314 -- the worker or the vCenter wrote it
        except (tarfile.TarError, StopIteration, ElementTree.ParseError, UnicodeDecodeError) as error:
            raise BuildError(f"{path.name} is no OVA: {error}.") from error
        networks = tuple(each.attrib[f"{OVF}name"] for each in root.iterfind(f"{OVF}NetworkSection/{OVF}Network"))
        yield Package(text, networks, members, file)


def import_(mine: Owned, path: Path, context: Context, *, thin: bool = True) -> None:
    """Make a machine of an OVA."""
    site, session, doing = mine.site, mine.session, f"The import of {path.name}"
    with opened(path) as package, explained(session, doing):
        survey = Survey(session)
        mapping = [
            vim.OvfManager.NetworkMapping(name=name, network=network)
            for name in package.networks
            if (network := survey.card(site, name))
        ]
        survey.check()
        params = vim.OvfManager.CreateImportSpecParams(
            entityName=mine.name, diskProvisioning="thin" if thin else "thick", networkMapping=mapping
        )
        spec = session.content.ovfManager.CreateImportSpec(package.descriptor, site.pool, site.datastore, params)
        if spec.error:
            raise BuildError(f"The vCenter does not take {path.name}: {_messages(spec.error)}.")
        for warning in spec.warning or ():
            context.console.write(f"{warning.msg}\n")
        ours = marks.marked(context, mine.name)
        config = spec.importSpec.configSpec
        config.annotation = ours.annotation
        config.extraConfig = [*(config.extraConfig or ()), *ours.extraConfig]
        with borrowed(session, lambda: site.pool.ImportVApp(spec.importSpec, site.folder), context, doing) as lease:
            mine.made(lease.info.entity)
            for item in spec.fileItem:
                offset, size = package.members[item.path]
                package.file.seek(offset)
                lease.upload(device_of(lease.info, item.deviceId), package.file, size, create=item.create)


def _messages(faults: Sequence[Any]) -> str:
    return "; ".join(str(fault.msg) for fault in faults)
