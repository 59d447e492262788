"""From one captured disk to all formats that were asked for."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from ..context import Context
from ..errors import WorkerError
from ..image import Image
from . import vagrant_user
from .base import DISK, VAGRANT_DISK, DiskFormat, Format, PackedFormat, PlacedFormat
from .disk import Disk, opened, unpack
from .export import Export, export

VAGRANT = "Add Vagrant's user to a copy"
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Conversion:
    """What is to be done for some formats: one pass over the disk, then what is made from its results."""

    def __init__(self, formats: Sequence[Format], known: dict[str, type[Format]]) -> None:
        needed = {each.name: each for each in formats}
        missing = {each.source for each in formats} - {DISK, VAGRANT_DISK} - needed.keys()
        while missing:
            source = known[missing.pop()]
            needed[source.name] = source(source.Options())
            missing |= {source.source} - {DISK, VAGRANT_DISK} - needed.keys()
        # What is imported elsewhere is needed as a file as well, asked for or not.
        files = [each.source if isinstance(each, PlacedFormat) else each.name for each in formats]
        self.asked = list(dict.fromkeys(files))
        self.written = [each for each in needed.values() if isinstance(each, DiskFormat)]
        self.packed = [each for each in needed.values() if isinstance(each, PackedFormat)]

    @property
    def pass_title(self) -> str:
        return f"Write {', '.join(each.name for each in self.written)}"

    def steps(self) -> list[str]:
        return [
            *([VAGRANT] if any(each.source == VAGRANT_DISK for each in self.written) else []),
            *([self.pass_title] if self.written else []),
            *(pack_title(each) for each in self.packed),
        ]

    def run(self, disk: Image, name: str, folder: Path, context: Context) -> dict[str, Image]:
        """All images, keyed by format. On every other way out none of them is left."""
        images: dict[str, Image] = {}
        targets = {each.name: folder / f"{name}{each.suffix}" for each in (*self.written, *self.packed)}
        try:
            with tempfile.TemporaryDirectory(prefix="formats-", dir=context.work) as scratch:
                images |= self._write(disk, name, targets, Path(scratch), context)
            waiting = list(self.packed)
            while waiting:
                ready = [each for each in waiting if each.source in images]
                waiting = [each for each in waiting if each not in ready]
                with ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="pack") as pool:
                    jobs = [
                        pool.submit(_pack, each, images[each.source], targets[each.name], name, context)
                        for each in ready
                    ]
                images |= {job.result().format: job.result() for job in jobs}
        except BaseException:
            for path in targets.values():
                path.unlink(missing_ok=True)
            raise
        for each in images.keys() - set(self.asked):
            targets[each].unlink()
        return {each: images[each] for each in self.asked}

    def _write(
        self, disk: Image, name: str, targets: dict[str, Path], scratch: Path, context: Context
    ) -> dict[str, Image]:
        if not self.written:
            return {}
        sources = {each.source for each in self.written}
        with ExitStack() as stack:
            disks: dict[str, Disk] = {}
            if VAGRANT_DISK in sources:
                with context.step(VAGRANT) as step:
                    raw = unpack(disk.file, "qcow2", scratch / "vagrant.raw", step)
                    vagrant_user.add(raw, step)
                    disks[VAGRANT_DISK] = stack.enter_context(opened(raw, "raw", scratch, step))
            with context.step(self.pass_title) as step:
                if DISK in sources:
                    disks[DISK] = stack.enter_context(opened(disk.file, "qcow2", scratch, step))
                exports = {source: Export(each) for source, each in disks.items()}
                for each in self.written:
                    into = exports[each.source]
                    most = into.disk.allocated * len(self.written)
                    file = stack.enter_context(new_file(targets[each.name], most))
                    into.writers.append(each.writer(file, disk, name, into.disk.size))
                export(list(exports.values()), step)
        return {each.name: _image(each, disk, targets[each.name]) for each in self.written}


def _pack(packed: PackedFormat, source: Image, path: Path, name: str, context: Context) -> Image:
    with context.step(pack_title(packed)) as step, new_file(path, 2 * source.file.stat().st_size) as file:
        packed.pack(source, file, name, step)
    return _image(packed, source, path)


def pack_title(packed: PackedFormat) -> str:
    return f"Pack {packed.name}"


def _image(made: DiskFormat | PackedFormat, source: Image, path: Path) -> Image:
    return replace(source, format=made.name, path=path, details=made.details())


@contextmanager
def new_file(path: Path, most: int) -> Iterator[BinaryIO]:
    """A file that gets its name when it is whole. WorkerError when there is no room for `most` bytes."""
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        if error.errno not in FULL:
            raise
        free = shutil.disk_usage(path.parent).free
        raise WorkerError(
            f"There is no room for {path.name} in {path.parent}: {free / 2**20:.0f} MiB are free, "
            f"the images of this build may need {most / 2**20:.0f} MiB.",
            hint="Free some disk space on this worker, then retry the build.",
        ) from error
    finally:
        part.unlink(missing_ok=True)
