"""What a format does: it turns an image into another that some user's software reads."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import ClassVar

from ..context import Context
from ..image import Drive, Image
from ..plugin import Options, Plugin


class Format(Plugin):
    Options: ClassVar[type[Options]]
    source: ClassVar[str]
    """The format that it is made from: "disk" (the captured machine), "vagrant-disk" (its overlay for boxes) or another format."""
    suffix: ClassVar[str]
    """What the file's name ends with: ".qcow2", ".ova", ".libvirt.box"."""
    media_type: ClassVar[str]

    @abstractmethod
    def drive(self, image: Image, folder: Path, context: Context) -> Drive:
        """Unpack the finished file into `folder` as its user's software would, and say how to boot it."""
