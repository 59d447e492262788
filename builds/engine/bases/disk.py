"""From a tree of files to a disk that boots: MBR, one ext4 partition, GRUB. No loop devices, mounts or root.

The tree brings its own `/boot/grub/grub.cfg`. GRUB's core stands between the partition table and the first
partition and holds all modules that this file may use, so the tree needs no GRUB of its own.
"""

from __future__ import annotations

import os
import tempfile
import uuid
from pathlib import Path

from ..command import find, run
from ..context import Context
from ..errors import WorkerError

SECTOR = 512
FIRST = 2048
"""Sector of the partition; what lies before it, but for the table itself, is GRUB's."""
BOOT_CODE = 440
"""Bytes of the first sector that are code; the partition table follows."""
GRUB = Path("/usr/lib/grub/i386-pc")
MODULES = """
    all_video biosdisk cat configfile echo ext2 gfxterm gzio halt linux linux16 loadenv ls minicmd normal
    part_gpt part_msdos reboot regexp search search_fs_file search_fs_uuid search_label serial sleep terminal test true
""".split()  # noqa: SIM905 -- a list of one word a line says no more
# What younger e2fsprogs turn on and older GRUBs, kernels and repair disks do not read.
FEATURES = "^orphan_file,^metadata_csum_seed"
UNPACK = 'mkdir "$1"; tar -C "$1" --numeric-owner --xattrs --xattrs-include="*" -xpf "$2"; shift 2; exec "$@"'


def make_disk(
    tree: Path,
    target: Path,
    size: int,
    *,
    format: str = "qcow2",
    identity: uuid.UUID | None = None,
    context: Context | None = None,
) -> None:
    """Write `target`, a disk of `size` bytes holding the files of `tree`: a folder, or a tar archive of one.

    Owners are kept from an archive, and from a folder by root; else all files become root's. The file system
    is labelled "root"; `identity` names it and the disk. `format` is "qcow2" or "raw". `target` appears only
    when it is whole. Raises WorkerError when the tree does not fit.
    """
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as name:
        folder = Path(name)
        raw = folder / "disk.raw"
        with raw.open("wb") as file:
            file.truncate(size)
        identity = identity or uuid.uuid4()
        _partition(raw, identity, context)
        _fill(raw, tree, size, identity, context)
        _make_bootable(raw, folder / "core.img", context)
        disk = raw
        if format != "raw":
            disk = folder / "disk"
            run(["qemu-img", "convert", "-f", "raw", "-O", format, "-W", raw, disk], context)
        disk.replace(target)


def _partition(raw: Path, identity: uuid.UUID, context: Context | None) -> None:
    table = f"label: dos\nlabel-id: {identity.time_low:#010x}\nstart={FIRST}, type=83, bootable\n"
    run(["sfdisk", "--quiet", raw], context, input=table.encode())


def _fill(raw: Path, tree: Path, size: int, identity: uuid.UUID, context: Context | None) -> None:
    root = tree if tree.is_dir() else raw.with_name("root")
    offset = FIRST * SECTOR
    # The inode tables are holes in the file; marked as zero, they are not written again in the guest.
    extended = f"offset={offset},root_owner=0:0,hash_seed={identity},lazy_itable_init=0,lazy_journal_init=0"
    argv: list[str | Path] = [find("mke2fs"), "-q", "-F", "-t", "ext4", "-L", "root", "-U", str(identity)]
    argv += ["-O", FEATURES, "-E", extended, "-d", root, raw, f"{(size - offset) // 1024}k"]
    if root != tree:
        argv = ["sh", "-euc", UNPACK, "unpack", root, tree, *argv]
    # fakeroot lets an ordinary user's tar and mke2fs agree on owners that the user may not give.
    try:
        run(argv if os.geteuid() == 0 else ["fakeroot", *argv], context)
    except WorkerError as error:
        if "Could not allocate block" not in error.message:
            raise
        raise WorkerError(
            f"The files of {tree.name} do not fit on a disk of {size // 2**20} MiB.",
            hint="Make the disk larger.",
        ) from error


def _make_bootable(raw: Path, core: Path, context: Context | None) -> None:
    """Boot code in the first sector, GRUB's core in the gap behind it: where each expects the other."""
    prefix = "(hd0,msdos1)/boot/grub"
    run(["grub-mkimage", "-O", "i386-pc", "-d", GRUB, "-p", prefix, "-o", core, *MODULES], context)
    gap = (FIRST - 1) * SECTOR
    if core.stat().st_size > gap:
        raise WorkerError(f"GRUB's core has {core.stat().st_size} bytes; there is room for {gap}.")
    with raw.open("r+b") as file:
        file.write((GRUB / "boot.img").read_bytes()[:BOOT_CODE])
        file.seek(SECTOR)
        file.write(core.read_bytes())
