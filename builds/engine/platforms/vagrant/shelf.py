"""Where a worker keeps the versions of a box, in the layout of Vagrant's own `boxes`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

from ...bases.store import UNUSED, clear, sha256
from ...command import run
from ...context import Context
from ...errors import BuildError
from . import libvirt

ASIDE = "Vagrantfile.box"
QCOW2 = b"QFI\xfb"


class Shelf:
    """One box's versions. Beside each that is whole lies a mark: a file with its digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.boxes = folder / "boxes"
        self.boxes.mkdir(parents=True, exist_ok=True)

    def versions(self) -> dict[str, Path]:
        """Also by the names that Ruby gives to previews: it calls 2.0.0-rc1 2.0.0.pre.rc1."""
        folders = [path for path in self.boxes.glob("*/*") if path.is_dir()]
        return {name: each for each in folders for name in (each.name, each.name.replace("-", ".pre."))}

    def remove_halves(self) -> None:
        """What somebody was adding when he was killed."""
        for version in set(self.versions().values()):
            if not self._mark(version).exists():
                shutil.rmtree(version)

    def keep(self, version: Path, context: Context) -> tuple[Path, str]:
        """Mark the version as whole; returns the folder with its files, and its digest."""
        folder = next((path.parent for path in version.rglob("metadata.json")), version)
        mark = self._mark(version)
        if not mark.exists():
            inspect(folder, context)
            digest = digest_of(folder, context)
            # Vagrant would run it, on this host and as the worker.
            if (own := folder / "Vagrantfile").exists():
                own.rename(folder / ASIDE)
            half = mark.with_suffix(".part")
            half.write_text(digest)
            half.rename(mark)
        os.utime(mark)
        return folder, mark.read_text()

    def _mark(self, version: Path) -> Path:
        return self.folder / f"{version.name}.sha256"


def name(digest: str) -> str:
    """What a box is called on a worker. libvirt keeps disks by that name, so other content has another one."""
    return f"slipway-{digest.removeprefix('sha256:')[:16]}"


def own_vagrantfile(folder: Path) -> str:
    """The Vagrantfile that the box came with."""
    aside = folder / ASIDE
    return aside.read_text("utf-8", "replace") if aside.exists() else ""


def inspect(folder: Path, context: Context) -> None:
    """A box may come from anywhere: refuse one that would bring files of this host into its machines."""
    for path in folder.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BuildError(f"The box holds {path.name}, which is no plain file.", hint="Use a box from elsewhere.")
        if path.is_file() and starts_with(path, QCOW2):
            told = json.loads(run(["qemu-img", "info", "-f", "qcow2", "--output=json", path], context))
            if "backing-filename" in told or "data-file" in told.get("format-specific", {}).get("data", {}):
                raise BuildError(
                    f"The box is incomplete: its disk {path.name} needs another file.",
                    hint="Flatten it with `qemu-img convert` first.",
                )


def starts_with(path: Path, magic: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(len(magic)) == magic


def digest_of(folder: Path, context: Context) -> str:
    """Of the files' names and contents."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    sums = [f"{sha256(path, context)}  {path.relative_to(folder)}\n" for path in files]
    return f"sha256:{hashlib.sha256(''.join(sums).encode()).hexdigest()}"


def remove_unused(shelves: Path) -> None:
    """Versions that no build has started from for long, and the disks that libvirt made of them."""
    for mark in shelves.glob("*/*.sha256"):
        if time.time() - mark.stat().st_mtime > UNUSED:
            libvirt.remove_volumes(f"{name(mark.read_text())}_")
            mark.unlink(missing_ok=True)
            for version in mark.parent.glob(f"boxes/*/{mark.stem}"):
                clear(version)
