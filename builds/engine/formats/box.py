"""What the Vagrant boxes share: a gzipped tar of the disk, `metadata.json` and a Vagrantfile."""

from __future__ import annotations

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from ..command import run
from ..context import Context
from ..errors import BuildError
from ..image import Drive, Image
from . import vagrant_key, vagrant_user
from .base import VAGRANT_DISK, DiskFormat
from .grain import Writer
from .sink import BoxSink, Sink

ARCHITECTURE = "amd64"


class Box(DiskFormat):
    source = VAGRANT_DISK
    media_type = "application/gzip"
    programs = ("qemu-img", "sfdisk", "debugfs", "bsdtar")
    provider: ClassVar[str]
    disk: ClassVar[str]
    """What the disk's file is called in the box."""

    @abstractmethod
    def image_writer(self, sink: Sink, capacity: int) -> Writer: ...

    @abstractmethod
    def files(self, image: Image, name: str, capacity: int) -> dict[str, str]:
        """The files that this provider needs beside the disk, its Vagrantfile among them."""

    def metadata(self, capacity: int) -> dict[str, Any]:
        return {"provider": self.provider, "architecture": ARCHITECTURE}

    def details(self) -> dict[str, str]:
        return {"provider": self.provider, "architecture": ARCHITECTURE}

    def writer(self, file: BinaryIO, image: Image, name: str, capacity: int) -> Writer:
        files = {
            "metadata.json": json.dumps(self.metadata(capacity)) + "\n",
            "info.json": json.dumps({"name": name}) + "\n",
            **self.files(image, name, capacity),
        }
        sink = BoxSink(file, self.disk, {path: text.encode() for path, text in files.items()})
        return self.image_writer(sink, capacity)

    def unpack(self, image: Image, folder: Path, context: Context) -> None:
        """As Vagrant does it. BuildError when Vagrant would refuse the box."""
        run(["bsdtar", "-x", "-f", image.file, "-C", folder], context, error=BuildError)
        metadata = json.loads((folder / "metadata.json").read_text("utf-8"))
        if metadata.get("provider") != self.provider:
            raise BuildError(f"{image.file.name} is a box for {metadata.get('provider')}, not for {self.provider}.")

    def boxed(self, path: Path, format: str, controller: str, nic: str) -> Drive:
        return Drive(path, format, controller, nic, user=vagrant_user.NAME, private_key=vagrant_key.PRIVATE)


def vagrantfile(*lines: str) -> str:
    """Vagrant merges it below the user's own, which wins."""
    body = "".join(f"  {line}\n" for line in (*SHARED, *lines))
    return f'Vagrant.configure("2") do |config|\n{body}end\n'


# Sharing the project's folder needs software that an appliance rarely has; `vagrant up` would fail.
SHARED = ('config.vm.synced_folder ".", "/vagrant", disabled: true',)
