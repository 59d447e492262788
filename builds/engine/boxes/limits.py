"""How much of a stranger's archive is looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    unpacked: int = 128 * 2**30
    """Bytes that the whole box may unpack to."""
    ratio: int = 200
    """How many bytes each one that was sent may become, once the box is larger than `slack`. Disks reach about 50."""
    slack: int = 2**30
    members: int = 1000
    text: int = 4 * 2**20
    """Bytes of one text that is read: metadata.json, box.ovf."""
    header: int = 2**20
    """Bytes of one member's long name and extended attributes."""
