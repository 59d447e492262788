"""Disk images that others made. Nothing in them is believed: their headers can name any file of this host."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..command import run
from ..context import Context
from ..errors import BuildError, WorkerError
from ..image import Image
from .store import keep, sha256

MAGIC = {b"QFI\xfb": "qcow2", b"KDMV": "vmdk"}
PACKED = {
    b"\x1f\x8b": "gzip",
    b"\xfd7zXZ": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"PK\x03\x04": "zip",
}
BOOT_SIGNATURE = (510, b"\x55\xaa")
ISO_SIGNATURE = (32769, b"CD001")
HINT = "A base is a disk that boots: qcow2, raw, or VMDK in one file (streamOptimized or monolithicSparse)."


def adopt(
    name: str,
    digest: str,
    bring: Callable[[Path], Path],
    context: Context,
    details: Mapping[str, str] | None = None,
) -> Image:
    """The image with this sha256, as qcow2 in the cache. `bring` returns the file; one in its folder is ours.

    `name` is for people. Raises BuildError when the file is another, or no disk that stands alone.
    """

    def make(part: Path, _: int) -> None:
        source = bring(part)
        if (seen := sha256(source, context)) != digest:
            raise BuildError(mismatch(name, digest, seen), hint="Mend the sha256 if the new file is the right one.")
        format = look(source, name, context)
        disk = part / "disk.qcow2"
        if format != "qcow2":
            run(
                ["qemu-img", "convert", "-f", format, "-O", "qcow2", "-W", source, disk],
                context,
                error=BuildError,
            )
        elif source.parent == part:
            source.rename(disk)
        else:
            shutil.copyfile(source, disk)
        for rest in part.iterdir():
            if rest != disk:
                rest.unlink()

    folder = keep(f"image-{digest[:32]}", make, context)
    return Image("disk", folder / "disk.qcow2", details={"digest": f"sha256:{digest}", **(details or {})})


def mismatch(name: str, wanted: str, seen: str) -> str:
    return f"{name} is not the file that was asked for:\n  wanted sha256 {wanted}\n  got    sha256 {seen}"


def look(path: Path, name: str, context: Context) -> str:
    """The image's format: qcow2, vmdk or raw. BuildError when it is something else, or needs another file."""
    format = recognise(path, name)
    # A hostile header can make qemu-img use any amount of memory and time.
    argv: list[str | Path] = [
        "prlimit",
        "--as=2147483648",
        "--cpu=60",
        "--",
        "qemu-img",
        "info",
        "--output=json",
        "-f",
        format,
        path,
    ]
    try:
        info = json.loads(run(argv, context, timeout=120))
    except WorkerError as error:
        raise BuildError(f"{name} is a damaged {format} image:\n{error.message}", hint=HINT) from error
    if others := references(info, path):
        raise BuildError(
            f"{name} does not stand alone: it refers to {', '.join(others)}.",
            hint="Make one whole image of it: qemu-img convert -O qcow2 OLD NEW.",
        )
    if info.get("encrypted"):
        raise BuildError(f"{name} is encrypted.", hint=HINT)
    return format


def references(info: Mapping[str, Any], path: Path) -> list[str]:
    """Other files that qemu-img says the image needs."""
    data = info.get("format-specific", {}).get("data", {})
    named = [
        info.get("backing-filename"),
        data.get("data-file"),
        "its parent" if info.get("backing-file") else None,
    ]
    named += [extent.get("filename") for extent in data.get("extents", []) if extent.get("filename") != str(path)]
    return [str(each) for each in named if each]


def recognise(path: Path, name: str) -> str:
    """By what it begins with, before any program opens it."""
    with path.open("rb") as file:
        start = file.read(512)
        file.seek(ISO_SIGNATURE[0])
        iso = file.read(5) == ISO_SIGNATURE[1]
    for magic, format in MAGIC.items():
        if start.startswith(magic):
            return format
    for magic, packer in PACKED.items():
        if start.startswith(magic):
            raise BuildError(f"{name} is packed with {packer}.", hint=f"Unpack it first. {HINT}")
    if iso:
        raise BuildError(f"{name} is a CD image, not a disk.", hint=HINT)
    if start[BOOT_SIGNATURE[0] :] == BOOT_SIGNATURE[1]:
        return "raw"
    raise BuildError(f"{name} is not a disk image; it begins with {start[:24]!r}.", hint=HINT)
