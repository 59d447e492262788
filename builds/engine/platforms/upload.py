"""Upload: boxes that were made elsewhere come with the release. Nothing is made here, they are only tested."""

from __future__ import annotations

from ..bases.base import Base
from ..context import Context
from ..errors import BuildError
from ..image import Image
from ..plugin import Options as PluginOptions
from .qemu.platform import Qemu


class Upload(Qemu):
    """Takes the boxes that were uploaded to the release, and launches in QEMU those that QEMU can boot."""

    name = "upload"
    label = "Boxes made elsewhere"
    makes = False

    class Options(PluginOptions):  # type: ignore[assignment]  # what QEMU could be told is of no use here
        pass

    def __init__(self, options: PluginOptions) -> None:
        super().__init__(Qemu.Options())

    @property
    def base(self) -> Base:
        return Elsewhere(PluginOptions())


class Elsewhere(Base):
    """What nobody here can start from."""

    name = "elsewhere"
    label = "Made elsewhere"
    Options = PluginOptions

    @property
    def title(self) -> str:
        return "boxes made elsewhere"

    def prepare(self, context: Context) -> Image:
        raise BuildError(
            "Boxes that were made elsewhere cannot be built.", hint="Upload them to the release, or name another platform."
        )
