"""Keeping a guest's state: it stops for a moment, goes on with its next writes in another file, and never knows.

A layer's files are the disk (what was written since the layer that it continues, or since the base), the memory and
the login that opens it. They may lie anywhere: a disk names the one that it continues by the layers' keys, as
`../KEY/NAME.qcow2`, and the base as `../base/disk`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import command
from ...context import Context
from ...layers import Layer
from . import migration

if TYPE_CHECKING:
    from .machine import BuildMachine

BASE = Path("base") / "disk"
LOGIN = "login"


def save(machine: BuildMachine, folder: Path, former: Layer | None, context: Context) -> Mapping[str, Any]:
    guest = machine.guest
    details = {
        # A layer that is made anew gets another: no disk continues one that is not what it was made on, bit for bit.
        "name": secrets.token_hex(8),
        "direct": guest.direct,
        "host key": machine.seed.host.public,
        "instance": machine.instance,
    }
    here = Layer("", details, folder)
    written, following = guest.disk, _following(guest.disk)
    size = str(guest.hardware.size.disk)
    # -u: the disk is in use; it is not looked at.
    shape = ["-f", "qcow2", "-o", "cluster_size=4k", "-u", "-F", "qcow2", "-b", written.name]
    command.run(["qemu-img", "create", "-q", *shape, following, size], context)
    with guest.frozen(context):
        node = {"snapshot-file": following.name, "format": "qcow2", "mode": "existing"}
        # Before it is done: until then it is empty, and right either way. An answer may be lost.
        guest.disk = following
        guest.qmp.execute("blockdev-snapshot-sync", device="disk", **node)
        migration.write(guest.qmp, memory(here), context)
    # A copy: QEMU keeps the file open that it has written.
    command.run(["cp", "--reflink=auto", "--sparse=always", written, disk(here)], context)
    disk(here).chmod(0o600)
    continued = disk(former).relative_to(folder_of(former).parent) if former else BASE
    command.run(["qemu-img", "rebase", "-u", "-F", "qcow2", "-b", f"../{continued}", disk(here)], context)
    (folder / LOGIN).touch(0o600)
    (folder / LOGIN).write_text(machine.seed.login.private)
    return details


def folder_of(layer: Layer) -> Path:
    if layer.folder is None:
        raise ValueError(f"layer {layer.key} does not lie on this worker")
    return layer.folder


def disk(layer: Layer) -> Path:
    return folder_of(layer) / f"{layer.details['name']}.qcow2"


def memory(layer: Layer) -> Path:
    return folder_of(layer) / f"{layer.details['name']}.ram.zst"


def _following(disk: Path) -> Path:
    """The name of the file that takes the writes after this one: disk.qcow2, disk-1.qcow2, …"""
    stem, _, number = disk.stem.partition("-")
    return disk.with_stem(f"{stem}-{int(number or 0) + 1}")
