"""From what `vagrant package` wrote to the box that we hand out: only what belongs into it, and in a sound form."""

from __future__ import annotations

import json
import tarfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, Any, cast

from isal import igzip

from ...command import run
from ...context import Context
from ...errors import BuildError
from ...image import Size
from . import vagrantfile
from .shelf import QCOW2, starts_with

ARCHITECTURE = "amd64"
METADATA, VAGRANTFILE = "metadata.json", "Vagrantfile"
# No "vagrant_private_key", no "include": whatever else is in there came with the box or from this worker.
MACHINE = {
    "libvirt": (".img",),
    "virtualbox": (".ovf", ".vmdk", ".vdi", ".nvram"),
    "vmware_desktop": (".vmx", ".vmxf", ".vmsd", ".vmdk", ".nvram"),
}
PIECE = 1 << 20
LEVEL = 1  # of ISA-L; more is hardly smaller here


@dataclass(frozen=True)
class Box:
    """What a box of ours says about itself."""

    provider: str
    name: str
    size: Size
    needs: Mapping[str, str]
    """The settings that its machine cannot do without."""

    def texts(self, metadata: Mapping[str, Any], needs: Mapping[str, str]) -> dict[str, str]:
        return {
            METADATA: json.dumps({**metadata, "architecture": ARCHITECTURE}) + "\n",
            "info.json": json.dumps({"name": self.name}) + "\n",
            VAGRANTFILE: vagrantfile.packed(self.provider, self.size, {**self.needs, **needs}),
        }


def rewrite(packed: Path, target: Path, box: Box, scratch: Path, context: Context) -> None:
    """Make the file `target` of what is in `packed`; `scratch` is an empty folder for its parts."""
    _extract(packed, scratch, (METADATA, VAGRANTFILE), MACHINE[box.provider], context)
    packed.unlink()
    own = {name: _text(scratch / name) for name in (METADATA, VAGRANTFILE)}
    metadata = json.loads(own[METADATA] or "{}")
    if metadata.get("provider") != box.provider:
        raise BuildError(f"Vagrant made a box for {metadata.get('provider')}, not for {box.provider}.")
    files = sorted(path for path in scratch.iterdir() if path.name not in own)
    for path in files:
        if starts_with(path, QCOW2):
            _flatten(path, context)
    if box.provider == "libvirt":
        metadata["virtual_size"] = max(-(-_capacity(path, context) // 2**30) for path in files)
    needs = vagrantfile.settings(box.provider, own[VAGRANTFILE])
    _pack(target, box.texts(metadata, needs), files, context)


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""


def _extract(archive: Path, folder: Path, names: tuple[str, ...], suffixes: tuple[str, ...], context: Context) -> None:
    """Only plain files at the top with such a name; nothing else is looked at."""
    with archive.open("rb") as packed, tarfile.open(fileobj=_unzipped(packed), mode="r|") as tar:
        for member in tar:
            name = member.name.removeprefix("./")
            if not member.isfile() or "/" in name or not (name in names or name.endswith(suffixes)):
                continue
            source = cast(IO[bytes], tar.extractfile(member))
            with (folder / name).open("wb") as file:
                while data := source.read(PIECE):
                    context.check()
                    file.write(data)


def _unzipped(packed: IO[bytes]) -> IO[bytes]:
    return cast(IO[bytes], igzip.IGzipFile(fileobj=packed, mode="rb"))  # type: ignore[no-untyped-call]


def _flatten(path: Path, context: Context) -> None:
    """A disk without snapshots and without clusters that hold nothing."""
    flat = path.with_suffix(".flat")
    run(["qemu-img", "convert", "-f", "qcow2", "-O", "qcow2", path, flat], context)
    flat.rename(path)


def _capacity(path: Path, context: Context) -> int:
    return int(json.loads(run(["qemu-img", "info", "-f", "qcow2", "--output=json", path], context))["virtual-size"])


def _pack(target: Path, texts: Mapping[str, str], files: Sequence[Path], context: Context) -> None:
    with (
        target.open("wb") as file,
        igzip.IGzipFile(fileobj=file, mode="wb", compresslevel=LEVEL) as packed,  # type: ignore[no-untyped-call]
        tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, text in texts.items():
            tar.addfile(_entry(name, len(text.encode())), BytesIO(text.encode()))
        for number, path in enumerate(files):
            with path.open("rb") as source:
                watched = _Watched(source, path.stat().st_size, (number, len(files)), context)
                tar.addfile(_entry(path.name, path.stat().st_size), cast(IO[bytes], watched))


class _Watched:
    """One of several files: it tells how much was read, and stops being read when the build has to end."""

    def __init__(self, file: IO[bytes], size: int, part: tuple[int, int], context: Context) -> None:
        self._file = file
        self._size = max(size, 1)
        self._read = self._shown = 0
        self._number, self._count = part
        self._context = context

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._read += len(data)
        if self._read * 100 // self._size > self._shown:
            self._shown = self._read * 100 // self._size
            self._context.check()
            self._context.console.progress((self._number + self._shown / 100) / self._count)
        return data


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = size
    entry.mtime = int(time.time())  # by which vagrant-libvirt tells boxes without a version apart
    return entry
