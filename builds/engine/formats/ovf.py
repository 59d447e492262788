"""The OVF descriptor: one document that VMware and VirtualBox both import.

The hardware differs: VMware gets its paravirtual SCSI and network cards, and VirtualBox, which has neither,
reads its own section: IDE and virtio. The small kernels of cloud images have drivers for these, but not for
AHCI or e1000.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Literal
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from ..errors import BuildError
from ..image import Size

HardwareVersion = Literal[10, 11, 13, 14, 15, 17, 18, 19, 20, 21, 22]
DEFAULT_HARDWARE: HardwareVersion = 14
"""vSphere 6.7 and later, Workstation 14 and later."""

TEMPLATE = Template(Path(__file__).with_name("machine.ovf").read_text("utf-8"))
OVF = "{http://schemas.dmtf.org/ovf/envelope/1}"
RASD = "{http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData}"
VBOX = "{http://www.virtualbox.org/ovf/machine}"


@dataclass(frozen=True)
class Hardware:
    """What a descriptor asks for, in the words of whoever imports it."""

    disk: str
    """The name of the disk's file."""
    controller: str
    nic: str


def mac(name: str) -> str:
    """In VirtualBox's own range; it stays the same for a name, so that a box's Vagrantfile can know it."""
    return f"080027{hashlib.sha256(name.encode()).hexdigest()[:6]}".upper()


def describe(
    name: str,
    size: Size,
    capacity: int,
    disk: str,
    *,
    file_size: int | None = None,
    hardware: int = DEFAULT_HARDWARE,
) -> str:
    """The document; sizes in bytes. The same arguments give the same text."""
    # The last number begins the version: what people call it may have one, too (ubuntu-24.04-1.0).
    product = re.fullmatch(r"(.+)-(\d.*)", name)
    values = {
        "name": name,
        "product": product[1] if product else name,
        "version": product[2] if product else "",
        "disk": disk,
        "file_size": f' ovf:size="{file_size}"' if file_size is not None else "",
        "capacity": capacity,
        "cpus": size.cpus,
        # VMware takes multiples of 4 MB only.
        "memory": -(-size.memory // 2**22) * 4,
        "hardware": hardware,
        "mac": mac(name),
        "machine_id": uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/machine"),
        "disk_id": uuid.uuid5(uuid.NAMESPACE_URL, f"{name}/disk"),
    }
    safe = {key: value if key == "file_size" else escape(str(value), {'"': "&quot;"}) for key, value in values.items()}
    return TEMPLATE.substitute(safe)


def read(text: str | bytes) -> Hardware:
    """What VMware sees in a descriptor. BuildError when it does not hang together."""
    with _explained():
        root = ElementTree.fromstring(text)  # noqa: S314 -- we wrote it
        items = {_text(item, "InstanceID"): item for item in root.iter(f"{OVF}Item")}
        disk = _only(items, "17")
        controller = items[_text(disk, "Parent")]
        return Hardware(
            disk=_file(root, _text(disk, "HostResource").removeprefix("ovf:/disk/")),
            controller=_text(controller, "ResourceSubType"),
            nic=_text(_only(items, "10"), "ResourceSubType"),
        )


def read_vbox(text: str | bytes) -> tuple[Hardware, str]:
    """What VirtualBox sees, and the MAC address of the first network card. BuildError as `read`."""
    with _explained():
        root = ElementTree.fromstring(text)  # noqa: S314 -- we wrote it
        machine = _found(root, f".//{VBOX}Machine")
        controller = _found(machine, f".//{OVF}StorageController")
        identity = _found(controller, f".//{OVF}Image").attrib["uuid"].strip("{}")
        disk = _found(root, f".//{OVF}Disk[@{VBOX}uuid='{identity}']")
        adapter = _found(machine, f".//{OVF}Adapter[@slot='0']")
        _found(adapter, f"{OVF}NAT")
        hardware = Hardware(
            disk=_file(root, disk.attrib[f"{OVF}diskId"]),
            controller=controller.attrib["type"],
            nic=adapter.attrib["type"],
        )
        return hardware, adapter.attrib["MACAddress"]


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise BuildError(f"The OVF descriptor does not hang together: {error!r}") from error


def _found(element: ElementTree.Element, path: str) -> ElementTree.Element:
    found = element.find(path)
    if found is None:
        raise LookupError(path)
    return found


def _text(item: ElementTree.Element, name: str) -> str:
    return _found(item, f"{RASD}{name}").text or ""


def _only(items: dict[str, ElementTree.Element], kind: str) -> ElementTree.Element:
    (item,) = (item for item in items.values() if _text(item, "ResourceType") == kind)
    return item


def _file(root: ElementTree.Element, disk: str) -> str:
    """The file of the disk with this id."""
    reference = _found(root, f".//{OVF}Disk[@{OVF}diskId='{disk}']").attrib[f"{OVF}fileRef"]
    return _found(root, f".//{OVF}File[@{OVF}id='{reference}']").attrib[f"{OVF}href"]
