"""The formats, and how one captured disk becomes all of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..context import Context
from ..image import Image
from .ami.format import Ami
from .base import Format
from .box_libvirt import LibvirtBox
from .box_virtualbox import VirtualboxBox
from .box_vmware_desktop import VmwareBox
from .convert import Conversion
from .ova import Ova
from .qcow2 import Qcow2
from .raw import Raw
from .vmdk import Vmdk

FORMATS: dict[str, type[Format]] = {
    "ami": Ami,
    "box-libvirt": LibvirtBox,
    "box-virtualbox": VirtualboxBox,
    "box-vmware_desktop": VmwareBox,
    "ova": Ova,
    "qcow2": Qcow2,
    "raw": Raw,
    "vmdk": Vmdk,
}


def steps(formats: Sequence[Format]) -> list[str]:
    """The titles of the steps of `convert`, in the order in which they begin."""
    return Conversion(formats, FORMATS).steps()


def convert(disk: Image, name: str, formats: Sequence[Format], folder: Path, context: Context) -> dict[str, Image]:
    """Make every format of a captured disk that is a file: `name` + suffix in `folder`, keyed by format.

    Formats that are imported elsewhere are not made here; the files that they are imported from are.

    Raises WorkerError when the worker's disk is full and BuildError when this machine cannot have a format.
    Either all files are there and whole, or none is.
    """
    return Conversion(formats, FORMATS).run(disk, name, folder, context)
