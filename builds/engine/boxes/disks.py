"""How a disk's file begins: is it what it should be, and does it stand alone?

A disk can name other files as a part of itself, and whoever opens it reads those: /etc/shadow as well as its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .errors import Flaw

QCOW2 = b"QFI\xfb"
SPARSE_VMDK = b"KDMV"
EXTERNAL_DATA = 1 << 2
DESCRIPTOR = b"# Disk DescriptorFile"


def flaws_of_disk(name: str, head: bytes | None, format: str) -> Iterator[Flaw]:
    """What is wrong with a disk whose file begins so. None: nobody knows how it does."""
    if head is None:
        return
    if format == "qcow2" and not head.startswith(QCOW2):
        yield Flaw(name, "is no qcow2 disk.", "Convert it: `qemu-img convert -O qcow2`.", refused=False)
    elif format == "vmdk" and not head.startswith((SPARSE_VMDK, DESCRIPTOR)):
        yield Flaw(
            name, "is no VMDK that every reader knows.", "Convert it: `qemu-img convert -O vmdk`.", refused=False
        )
    elif head.startswith((QCOW2, SPARSE_VMDK)) and not stands_alone(head):
        yield Flaw(name, "is incomplete: what it holds is in another file.", "Flatten it with `qemu-img convert`.")


def stands_alone(head: bytes) -> bool:
    """It is one file that no reader leaves."""
    if head.startswith(QCOW2) and len(head) >= 80:
        version, backing = struct.unpack_from(">IQ", head, 4)
        features = struct.unpack_from(">Q", head, 72)[0] if version >= 3 else 0
        return not (backing or features & EXTERNAL_DATA)
    if head.startswith(SPARSE_VMDK) and len(head) >= 20:
        # Without a capacity of its own a reader looks into the descriptor for the files that hold the disk.
        return bool(struct.unpack_from("<Q", head, 12)[0])
    return False
