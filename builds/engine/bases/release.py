"""Another appliance's release: what was built on it is recorded as its child."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from ..command import find
from ..context import Context
from ..image import Image
from ..names import APPLIANCE
from ..plugin import Options
from .base import Base
from .foreign import adopt

NAME = f"^{APPLIANCE}@[0-9A-Za-z][0-9A-Za-z.+-]*$"


class ReleaseOptions(Options):
    release: str = Field(pattern=NAME, description="team/appliance@version", examples=["acme/base@1.2.0"])


class Release(Base):
    """Another appliance's release, on top of which this one is made."""

    name: ClassVar[str] = "release"
    label: ClassVar[str] = "Another appliance's release"
    Options: ClassVar[type[Options]] = ReleaseOptions
    options: ReleaseOptions

    @property
    def title(self) -> str:
        return self.options.release

    def verify(self) -> None:
        find("qemu-img")

    def prepare(self, context: Context) -> Image:
        path, digest = context.releases(self.options.release)
        return adopt(self.title, digest, lambda _: path, context, {"parent": self.options.release, "inputs": digest})
