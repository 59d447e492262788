"""Upload: boxes that were made elsewhere come with the release. Nothing is made here, they are only tested."""

from __future__ import annotations

from ...bases.base import Base
from ...plugin import Options as PluginOptions
from ..qemu.platform import Qemu
from .base import Elsewhere


class Upload(Qemu):
    """Takes the boxes that were uploaded to the release, and launches in QEMU those that QEMU can boot."""

    name = "upload"
    label = "Boxes made elsewhere"
    makes = False

    class Options(PluginOptions):  # what QEMU could be told is of no use here
        pass

    def __init__(self, options: PluginOptions) -> None:
        super().__init__(Qemu.Options())

    @property
    def base(self) -> Base:
        return Elsewhere(PluginOptions())
