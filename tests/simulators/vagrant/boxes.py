"""Boxes to start from, as others publish them: made by the formats from the tiny disk."""

from __future__ import annotations

import subprocess
from pathlib import Path

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.formats import FORMATS, convert, ext4
from builds.engine.formats.ext4 import Entry
from builds.engine.image import Image, Size
from tests.simulators import disks

# Who can log in to the tiny system is root by another name.
USERS = {"/etc/passwd": "vagrant:x:0:0:Vagrant:/home/vagrant:/bin/sh\n", "/etc/shadow": "vagrant:!:19700::::::\n"}


def box(folder: Path, format_name: str, name: str = "tiny", source: Path | None = None) -> Path:
    """The box's file, in `folder`, which is not there yet. `source`: a raw disk with sudo; the tiny one if None."""
    folder.mkdir(parents=True)
    context = Context(build="box", work=folder, cache=folder, source=folder, console=Recorder())
    raw, disk = folder / "disk.raw", folder / "disk.qcow2"
    subprocess.run(["cp", "--sparse=always", source or disks.tiny(), raw], check=True)
    if source is None:
        _add_user(raw, context)
    subprocess.run(["qemu-img", "convert", "-q", "-f", "raw", "-O", "qcow2", raw, disk], check=True)
    kind = FORMATS[format_name]
    image = Image("disk", path=disk, size=Size(cpus=1, memory=128 << 20, disk=raw.stat().st_size))
    return convert(image, name, [kind(kind.Options())], folder, context)[format_name].file


def _add_user(raw: Path, context: Context) -> None:
    root = ext4.find_root(raw, context)
    texts, stats = root.read(list(USERS)), root.stat(list(USERS))
    root.write(
        [
            Entry(path, stats[path].mode, 0, 0, texts[path] + line.encode())
            for path, line in USERS.items()
            if path in stats
        ]
    )
