"""All formats of a disk that is in use, against what Packer's users run for them: one program after the other."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path

from builds.engine import formats
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.formats import FORMATS
from builds.engine.image import Image, Size

USED, DISK = 2 * 2**30, 4 * 2**30
ACCOUNTS = ("etc/passwd", "etc/group")
"""Boxes get a user. The files that hold passwords stay on this host."""
FILES = ("usr/lib", "usr/share", "usr/bin", "opt", "var/lib")
"""Of this host, until there are enough: programs, libraries, texts and pictures."""
OURS = ("qcow2", "raw", "vmdk", "ova", "box-libvirt", "box-virtualbox", "box-vmware_desktop")
LARGER = 1.15
"""What our files may be of theirs."""


def prepare(work: Path) -> tuple[Callable[[], None], Callable[[], None]]:
    work.mkdir(parents=True)
    disk = make_disk(work)
    return partial(ours, disk, work), partial(theirs, disk, work)


def make_disk(work: Path) -> Path:
    """A qcow2 with a file system of `USED` bytes of files on its only partition."""
    tree, raw, disk = work / "tree", work / "disk.raw", work / "disk.qcow2"
    left = USED
    some = (path for folder in FILES for path in sorted(Path("/", folder).rglob("*")))
    for path in (*(Path("/", name) for name in ACCOUNTS), *some):
        if left <= 0:
            break
        if path.is_symlink() or not path.is_file():
            continue
        target = tree / path.relative_to("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, target)
        except OSError:  # gone, or not ours to read
            continue
        left -= path.stat().st_size
    if left > 0:
        raise RuntimeError(f"There are not enough files on this host: {left} bytes are missing.")
    with raw.open("wb") as file:
        file.truncate(DISK)
    subprocess.run(["sfdisk", "--quiet", raw], input=b"label: dos\nstart=2048, type=83\n", check=True)
    subprocess.run(
        [
            "mke2fs",
            "-q",
            "-F",
            "-t",
            "ext4",
            "-i",
            "8192",
            "-E",
            f"offset={2048 * 512}",
            "-d",
            tree,
            raw,
            f"{DISK // 1024 - 1024}k",
        ],
        check=True,
    )
    subprocess.run(["qemu-img", "convert", "-O", "qcow2", raw, disk], check=True)
    raw.unlink()
    shutil.rmtree(tree)
    return disk


def ours(disk: Path, work: Path) -> None:
    folder = emptied(work / "ours")
    context = Context(build="bench", work=folder, cache=folder, source=folder, console=Recorder())
    image = Image("disk", path=disk, size=Size(cpus=2, memory=2**30, disk=DISK))
    formats.convert(image, "bench", [FORMATS[name](FORMATS[name].Options()) for name in OURS], folder, context)


def theirs(disk: Path, work: Path) -> None:
    """Each format by itself, as Packer's builders and post-processors make them; Vagrant's boxes are gzipped tars."""
    folder = emptied(work / "theirs")
    convert(disk, folder / "bench.qcow2", "qcow2", "-c")
    convert(disk, folder / "disk.raw", "raw")
    pack(["gzip", "--stdout", folder / "disk.raw"], folder / "bench.raw.gz")
    (folder / "disk.raw").unlink()
    convert(disk, folder / "bench.vmdk", "vmdk", "-o", "subformat=streamOptimized")
    (folder / "box.ovf").write_text("<Envelope/>\n")
    subprocess.run(["tar", "-C", folder, "-cf", folder / "bench.ova", "box.ovf", "bench.vmdk"], check=True)
    convert(disk, folder / "box.img", "qcow2")
    box(folder, "libvirt", "box.img")
    box(folder, "virtualbox", "box.ovf", "bench.vmdk")
    convert(disk, folder / "disk.vmdk", "vmdk")
    box(folder, "vmware_desktop", "disk.vmdk")


def convert(disk: Path, target: Path, format: str, *options: str) -> None:
    subprocess.run(["qemu-img", "convert", "-O", format, *options, disk, target], check=True)


def box(folder: Path, provider: str, *names: str) -> None:
    pack(["tar", "-C", folder, "-czf", "-", *names], folder / f"bench.{provider}.box")


def pack(argv: list[str | Path], target: Path) -> None:
    with target.open("wb") as file:
        subprocess.run(argv, stdout=file, check=True)


def emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def compare(work: Path) -> str:
    """The sizes of both; RuntimeError when ours are much larger."""
    sizes = [sum(path.stat().st_size for path in (work / side).glob("bench*")) / 2**20 for side in ("ours", "theirs")]
    said = f"ours {sizes[0]:,.0f} MiB, theirs {sizes[1]:,.0f} MiB, {sizes[0] / sizes[1] - 1:+.0%}"
    if sizes[0] > LARGER * sizes[1]:
        raise RuntimeError(f"Our files are too large: {said}.")
    return said
