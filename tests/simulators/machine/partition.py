"""Where the root file system lies on a raw disk, and its growing with the disk as growpart does it in a guest."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

SPARE = 4 * 1024 * 1024  # what partitioning leaves free for its own sake
EXT_MAGIC = (1024 + 56, b"\x53\xef")


@dataclass(frozen=True)
class Extent:
    offset: int
    size: int
    number: int = 0
    """Of the partition; 0: there are none."""


def root_of(disk: Path) -> Extent:
    """The bare file system, or the first ext4 partition that holds an /etc."""
    whole = Extent(0, disk.stat().st_size)
    if _is_ext(disk, whole):
        return whole
    for extent in _partitions(disk):
        if _is_ext(disk, extent) and _holds_etc(disk, extent):
            return extent
    raise RuntimeError(f"{disk} has no ext4 file system with an /etc, neither bare nor in a partition.")


def grown(disk: Path, root: Extent) -> Extent:
    """The root's partition, with the space behind it when no other partition has that."""
    end = root.offset + root.size
    if not root.number or disk.stat().st_size - end < SPARE or any(each.offset >= end for each in _partitions(disk)):
        return root
    argv = ["sfdisk", "--quiet", "--no-reread", "--relocate", "gpt-bak-std", disk]
    subprocess.run(argv, capture_output=True)  # only a GPT has a copy at the end of the disk
    subprocess.run(["sfdisk", "--quiet", "--no-reread", "-N", str(root.number), disk], input=b",+\n", check=True)
    return next(each for each in _partitions(disk) if each.number == root.number)


def _partitions(disk: Path) -> list[Extent]:
    said = subprocess.run(["sfdisk", "--json", disk], capture_output=True, text=True)
    if said.returncode:
        return []
    table = json.loads(said.stdout)["partitiontable"]
    sector = table.get("sectorsize", 512)
    return [
        Extent(each["start"] * sector, each["size"] * sector, number)
        for number, each in enumerate(table.get("partitions", []), 1)
    ]


def _is_ext(disk: Path, extent: Extent) -> bool:
    offset, magic = EXT_MAGIC
    with disk.open("rb") as file:
        file.seek(extent.offset + offset)
        return file.read(len(magic)) == magic


def _holds_etc(disk: Path, extent: Extent) -> bool:
    place = f"{disk}?offset={extent.offset}"
    said = subprocess.run(["debugfs", "-R", "stat /etc", place], capture_output=True, text=True)
    return "Type: directory" in said.stdout
