"""What vagrant-libvirt leaves on a host: the disks of boxes in the pool, which outlive the boxes."""

from __future__ import annotations

import shutil
from contextlib import suppress

from ...command import run
from ...context import Context
from ...errors import SlipwayError

POOL = "default"
VIRSH = ("virsh", "--quiet", "--connect", "qemu:///system")
LIMIT = 60


def verify() -> None:
    """WorkerError when libvirt does not answer."""
    hint = "Is libvirtd running, and the worker's user in the group libvirt? See `systemctl status libvirtd`."
    run([*VIRSH, "version"], timeout=LIMIT, hint=hint)


def remove_volumes(prefix: str, context: Context | None = None) -> None:
    """The disks in the pool whose names begin so: a box that is added again by the same name boots the old one."""
    for line in _ask("vol-list", "--pool", POOL):
        if line.startswith(prefix):
            with suppress(SlipwayError):  # somebody else was first
                run([*VIRSH, "vol-delete", "--pool", POOL, line.split()[0]], context, timeout=LIMIT)


def remove_machines(prefix: str) -> None:
    """The machines whose names begin so, with their disks."""
    for name in _ask("list", "--all", "--name"):
        if name.startswith(prefix):
            with suppress(SlipwayError):
                run([*VIRSH, "destroy", name], timeout=LIMIT)
            with suppress(SlipwayError):
                run([*VIRSH, "undefine", name, "--nvram", "--remove-all-storage"], timeout=LIMIT)


def _ask(*arguments: str) -> list[str]:
    """Nothing where libvirt is not used."""
    if not shutil.which("virsh"):
        return []
    with suppress(SlipwayError):
        return [line.strip() for line in run([*VIRSH, *arguments], timeout=LIMIT).splitlines()]
    return []
