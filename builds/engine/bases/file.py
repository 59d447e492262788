"""An image among the template's own files."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ..command import find
from ..context import Context
from ..errors import SourceError
from ..image import Image
from ..plugin import Options
from .base import Base
from .foreign import adopt
from .store import sha256


class FileOptions(Options):
    file: str = Field(min_length=1, description="The image's path in the source: qcow2, raw or VMDK.")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="What it must be, if given.")


class File(Base):
    name: ClassVar[str] = "file"
    label: ClassVar[str] = "An image in the source"
    Options: ClassVar[type[Options]] = FileOptions
    options: FileOptions

    @property
    def title(self) -> str:
        return self.options.file

    def files(self) -> tuple[str, ...]:
        return (self.options.file,)

    def verify(self) -> None:
        find("qemu-img")

    def prepare(self, context: Context) -> Image:
        source = context.source.resolve()
        path = (source / self.options.file).resolve()
        if not path.is_relative_to(source):
            raise SourceError(f"{self.options.file} leads out of the source.", hint="Give a path inside the source.")
        if not path.is_file():
            raise SourceError(
                f"{self.options.file} is not in the source.", hint="Add it to the files, or mend the path."
            )
        digest = self.options.sha256 or sha256(path, context)
        return adopt(self.options.file, digest, lambda _: path, context)
