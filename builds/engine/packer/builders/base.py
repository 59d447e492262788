"""What a builder becomes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ...template.sections import Size
from ..options import Options

MIB = 2**20
GIB = 2**30
LIMITS = {"cpus": (1, 64), "memory": (64 * MIB, 256 * GIB), "disk": (64 * MIB, 2048 * GIB)}
UNITS = {"": MIB, "k": 1024, "m": MIB, "g": GIB, "t": 1024 * GIB}
SIZE = re.compile(r"\s*([0-9]{1,12})\s*([kmgt]?)i?b?\s*", re.IGNORECASE)

ACCESS = ("ssh_*", "winrm_*", "communicator", "pause_before_connecting", "temporary_*", "*_temporary_*")
NAMES = "Images are called by their release and revision."


@dataclass
class Target:
    """A platform of the new template, and what the template says beside it."""

    platform: str
    options: dict[str, Any] = field(default_factory=dict)
    formats: list[Any] = field(default_factory=list)
    base: Any = None
    size: dict[str, Any] = field(default_factory=dict)
    login: str = "root"
    """Who Packer logs in as, when that user is there in the new machine too."""
    boxes: list[str] = field(default_factory=list)
    """The formats that the post-processor `vagrant` asks for."""


Make = Callable[[Options, str], Target | None]
"""The platform for a builder's options and type; None, and a note, when it has none."""


def size(options: Options, **found: tuple[str, int | None]) -> dict[str, Any]:
    """The section `size`; each part with Packer's key and its number of processors or bytes."""
    written: dict[str, Any] = {}
    for part, (key, amount) in found.items():
        if amount is None:
            continue
        least, most = LIMITS[part]
        fitting = min(max(amount, least), most)
        if fitting != amount:
            options.notes.changed(
                *options.at(key), f"`size.{part}` is from {_shown(part, least)} to {_shown(part, most)}."
            )
        if fitting != getattr(Size(), part):
            written[part] = _shown(part, fitting)
    return written


def _shown(part: str, amount: int) -> Any:
    if part == "cpus":
        return amount
    return f"{amount // GIB}G" if amount % GIB == 0 else f"{-(-amount // MIB)}M"


def amount(options: Options, key: str, unit: int = MIB) -> int | None:
    """Bytes; a number without a unit is in Packer's unit for this key."""
    value = options.constant(key)
    if value in (None, ""):
        return None
    found = SIZE.fullmatch(str(int(value) if isinstance(value, float) else value))
    if not found:
        options.notes.left_out(*options.at(key), f"{str(value)[:40]!r} is no size.")
        return None
    return int(found[1]) * (UNITS[found[2].lower()] if found[2] else unit)


ARM = re.compile(r"aarch64|arm64|\b(a1|[a-z]+[0-9]+g[dne]*)\.(medium|metal|[0-9]*x?large)", re.IGNORECASE)
WINDOWS = "Its machine runs Windows; Slipway makes machines that run Linux."


def look_for_arm(options: Options, *keys: str) -> None:
    """A machine of another kind than ours is nothing that a note about hardware may hide."""
    for key in keys:
        if ARM.search(str(options.peek(key))):
            why = "It is for ARM; Slipway makes machines and images for x86_64."
            options.notes.to_do(*options.at(key), why, "Name what it starts from, and what it installs, for x86_64.")


def is_windows(options: Options) -> bool:
    told = " ".join(str(options.peek(key)) for key in ("communicator", "guest_os_type", "os_type", "image_os_type"))
    return bool(re.search(r"winrm|windows|\bwin[0-9]", told, re.IGNORECASE))
