"""An image from the web, known by its checksum."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from ..command import find
from ..context import Context
from ..errors import BuildError
from ..image import Image
from ..plugin import Options
from .base import Base
from .download import download, fingerprint
from .foreign import adopt, mismatch
from .store import sha256


class UrlOptions(Options):
    url: str = Field(pattern=r"^https?://[^\s/]+/\S+$", description="Where the image is: qcow2, raw or VMDK.")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$", description="The file's SHA-256, checked before it is used.")


class Url(Base):
    name: ClassVar[str] = "url"
    label: ClassVar[str] = "An image from the web"
    Options: ClassVar[type[Options]] = UrlOptions
    pinned: ClassVar[bool] = True
    options: UrlOptions

    @property
    def title(self) -> str:
        return Path(urlsplit(self.options.url).path).name or self.options.url

    def verify(self) -> None:
        find("qemu-img")

    def prepare(self, context: Context) -> Image:
        return adopt(self.title, self.options.sha256, lambda folder: self._bring(folder, context), context)

    def current(self, context: Context) -> str:
        """What the server says about the file, without the file."""
        return fingerprint(self.options.url, context)

    def _bring(self, folder: Path, context: Context) -> Path:
        """The whole file, with an earlier try's bytes if they fit. Wrong bytes are not kept."""
        url, wanted = self.options.url, self.options.sha256
        partial = context.cache / "downloads" / hashlib.sha256(f"{url} {wanted}".encode()).hexdigest()
        partial.parent.mkdir(parents=True, exist_ok=True)
        resumed = partial.exists()
        context.console.write(f"{'Going on with' if resumed else 'Downloading'} {url}\n")
        download(url, partial, context)
        seen = sha256(partial, context)
        if seen != wanted and resumed:
            context.console.write("The pieces of two tries do not fit together; downloading it anew.\n")
            partial.unlink()
            download(url, partial, context)
            seen = sha256(partial, context)
        if seen != wanted:
            partial.unlink()
            raise BuildError(
                mismatch(url, wanted, seen),
                hint="If the publisher gives the second one, put it in the template; else do not use it.",
            )
        return partial.rename(folder / "download")
