"""What capture and conversion produce."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Size:
    """The machine that the image was made on and asks for. Memory and disk in bytes."""

    cpus: int
    memory: int
    disk: int


@dataclass(frozen=True)
class Image:
    """A finished image on this worker: a file (`path`), or a reference to something in a cloud."""

    format: str
    """A key of FORMATS, or "disk": what capture made (qcow2, possibly with a backing chain)."""
    path: Path | None = None
    reference: str = ""
    """What its place calls it: "ami-0123456789abcdef0", a template's path in a vCenter."""
    account: str = ""
    """Of a reference: the account, by the name that the team gave it, and the region or the vCenter's datacenter."""
    region: str = ""
    holds: tuple[str, ...] = ()
    """All references in the ledger that live as long as the image does: an AMI's own and its snapshots'."""
    size: Size | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    """For the record and for people: what the format wants to tell ("hardware version": "vmx-14")."""

    @property
    def file(self) -> Path:
        if self.path is None:
            raise ValueError(f"image {self.format} is a reference ({self.reference}), not a file")
        return self.path

    @property
    def machine(self) -> Size:
        if self.size is None:
            raise ValueError(f"image {self.format} does not tell its machine's size")
        return self.size


@dataclass(frozen=True)
class Drive:
    """How to boot an image as its user would: which disk file on which virtual hardware, and who may log in."""

    path: Path
    """A file that QEMU can read; never written: the machine runs on an overlay."""
    format: str
    """QEMU's name of the file's format: qcow2, raw, vmdk."""
    controller: str = "virtio-blk"
    """virtio-blk, pvscsi, ide, or what foreign boxes expect: see the platform's CONTROLLERS."""
    nic: str = "virtio-net-pci"
    """virtio-net-pci, vmxnet3, e1000 or e1000e."""
    user: str = "root"
    private_key: str = ""
    """OpenSSH PEM of a key that already opens the image (a box's). Empty: a seed brings a throw-away key."""
    other_key: str = ""
    """Another one that may be the right one, where nobody knows which of two it is."""
