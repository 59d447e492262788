"""Boxes for tests, right ones and wrong ones."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Iterable, Mapping
from typing import Any

QCOW2 = b"QFI\xfb" + (3).to_bytes(4, "big") + bytes(504)
VMDK = b"KDMV" + (1).to_bytes(4, "little") + (3).to_bytes(4, "little") + (2048).to_bytes(8, "little") + bytes(492)
OVF = (
    b'<Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1" xmlns="http://schemas.dmtf.org/ovf/envelope/1">'
    b'<References><File ovf:id="file1" ovf:href="box-disk1.vmdk"/></References></Envelope>'
)
VMX = b'.encoding = "UTF-8"\nscsi0:0.present = "TRUE"\nscsi0:0.fileName = "disk.vmdk"\n'
FILES: dict[str, dict[str, bytes]] = {
    "libvirt": {"box.img": QCOW2},
    "virtualbox": {"box.ovf": OVF, "box-disk1.vmdk": VMDK, "Vagrantfile": b"Vagrant.configure('2') {}\n"},
    "vmware_desktop": {"box.vmx": VMX, "disk.vmdk": VMDK},
}
SAID: dict[str, dict[str, Any]] = {"libvirt": {"format": "qcow2", "virtual_size": 1}}


def metadata(provider: str = "libvirt", **changes: Any) -> dict[str, Any]:
    """What its metadata.json says; None leaves a key out."""
    said = {"provider": provider, **SAID.get(provider, {}), **changes}
    return {key: value for key, value in said.items() if value is not None}


def box(provider: str = "libvirt", files: Mapping[str, bytes | None] | None = None, **changes: Any) -> bytes:
    """A box as Vagrant packs it. `files` are added or, when None, left out; `changes` are the metadata's."""
    held: dict[str, bytes | None] = {
        "metadata.json": json.dumps(metadata(provider, **changes)).encode(),
        **FILES.get(provider, {}),
        **(files or {}),
    }
    return gzip.compress(tar((name, data) for name, data in held.items() if data is not None), mtime=0)


def tar(members: Iterable[tuple[str | tarfile.TarInfo, bytes]], format: int = tarfile.GNU_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name) if isinstance(name, str) else name
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def member(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info
