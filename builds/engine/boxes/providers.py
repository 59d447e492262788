"""What the clients of each provider need in a box. Of the other providers nothing more is known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any
from xml.etree import ElementTree

from .contents import Contents, name_of
from .disks import flaws_of_disk
from .errors import Flaw

Rule = Callable[[Contents, dict[str, Any]], Iterator[Flaw]]
OVF_FILE = "{http://schemas.dmtf.org/ovf/envelope/1}"
VMX = re.compile(r"^\s*([\w.:]+)\s*=\s*\"([^\"\n]*)\"", re.MULTILINE)
VMX_DISK = re.compile(r"(?:scsi|sata|ide|nvme)\d+:\d+\.fileName", re.IGNORECASE)


def flaws_of(provider: str, contents: Contents, metadata: dict[str, Any]) -> Iterator[Flaw]:
    """What keeps the provider's plug-in from starting a machine from it."""
    if rule := RULES.get(provider):
        yield from rule(contents, metadata)


def libvirt(contents: Contents, metadata: dict[str, Any]) -> Iterator[Flaw]:
    """vagrant-libvirt: one disk called box.img, or several that metadata.json lists."""
    disks = metadata.get("disks", [])
    if not isinstance(disks, list):
        yield Flaw("metadata.json", "has `disks` that are no list.", 'Write [{"path": "box_0.img"}].')
        return
    if disks:
        for number, disk in enumerate(disks):
            path = disk.get("path") if isinstance(disk, dict) else None
            if not isinstance(path, str) or not (name := name_of(path)):
                yield Flaw("metadata.json", f"gives no `path` in `disks[{number}]`.", "Name a file of the box there.")
            else:
                yield from _disk(contents, name, "qcow2")
        return
    size = metadata.get("virtual_size")
    if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
        hint = 'Write the whole gigabytes of its disk: "virtual_size": 20.'
        yield Flaw("metadata.json", "has no `virtual_size`, which vagrant-libvirt needs.", hint)
    if metadata.get("format") != "qcow2":
        hint = 'Write "format": "qcow2", and make box.img one.'
        yield Flaw("metadata.json", "does not say `format`: `qcow2`, the only one that vagrant-libvirt takes.", hint)
    yield from _disk(contents, "box.img", "qcow2")


def virtualbox(contents: Contents, _: dict[str, Any]) -> Iterator[Flaw]:
    """VirtualBox: a descriptor of exactly this name, and the disks that it names."""
    name = "box.ovf"
    if not contents.has_file(name):
        yield Flaw(name, "is missing.", "Export the machine as OVF, and call the descriptor box.ovf.")
        return
    if name not in contents.texts:
        yield Flaw(name, "is too large to be read.", "A descriptor has a few kilobytes.")
        return
    text = contents.texts[name]
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        yield Flaw(name, "has a document type, which no descriptor needs.", "Export the machine again.")
        return
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 -- without a document type it has no entities
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        yield Flaw(name, f"is no XML: {error}.", "Export the machine again.", refused=False)
        return
    files = [each.get(f"{OVF_FILE}href", "") for each in root.iter(f"{OVF_FILE}File")]
    if not files:
        yield Flaw(name, "names no disk.", "Export the machine again, with its disk.", refused=False)
    for file in files:
        yield from _disk(contents, name_of(file) or "", "vmdk", written=f"{name} names {file[:200]!a}")


def vmware(contents: Contents, metadata: dict[str, Any]) -> Iterator[Flaw]:
    """VMware's desktop products: one machine's settings, and the disks that these name."""
    told = metadata.get("vmx_file")
    found = [told] if isinstance(told, str) and contents.has_file(told) else contents.named(".vmx")
    if told is not None and found != [told]:
        yield Flaw("metadata.json", f"names {str(told)[:200]!a} as `vmx_file`, which is not there.", "Add it.")
    if not found:
        yield Flaw("", "There is no .vmx file at the top of the box.", "Put the machine's .vmx and .vmdk files there.")
        return
    if found[0] not in contents.texts:
        yield Flaw(found[0], "is too large to be read.", "A .vmx file has a few kilobytes.")
        return
    disks = [value for key, value in settings_of(contents.texts[found[0]]).items() if VMX_DISK.fullmatch(key)]
    disks = [disk for disk in disks if disk.lower().endswith(".vmdk")]
    if not disks:
        yield Flaw(found[0], "names no disk.", 'It needs a line: scsi0:0.fileName = "disk.vmdk".', refused=False)
    for disk in disks:
        yield from _disk(contents, name_of(disk) or "", "vmdk", written=f"{found[0]} names {disk[:200]!a}")


def settings_of(text: bytes) -> dict[str, str]:
    """The lines of a .vmx file."""
    return dict(VMX.findall(text.decode("utf-8", "replace")))


def _disk(contents: Contents, name: str, format: str, written: str = "") -> Iterator[Flaw]:
    """It is there, and nothing that reads it is led to another file."""
    if not contents.has_file(name):
        what = f"is missing: {written}." if written else "is missing."
        yield Flaw(name, what, "Pack the box again, with all its disks.")
    elif format == "qcow2" or name.lower().endswith(".vmdk"):
        yield from flaws_of_disk(name, contents.heads.get(name), format)


RULES: dict[str, Rule] = {
    "libvirt": libvirt,
    "virtualbox": virtualbox,
    **dict.fromkeys(("vmware_desktop", "vmware_fusion", "vmware_workstation"), vmware),
}
