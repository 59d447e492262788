"""The source AMI in the place of the template's base."""

from __future__ import annotations

from typing import ClassVar

from ... import plugin
from ...bases.base import Base
from ...context import Context
from ...image import Image
from .place import Named
from .source import Source


class SourceAmi(Base):
    name: ClassVar[str] = "ami"
    label: ClassVar[str] = "An AMI"
    Options: ClassVar[type[plugin.Options]] = Source
    options: Source

    def __init__(self, options: Source, place: Named) -> None:
        super().__init__(options)
        self._place = place

    @property
    def title(self) -> str:
        return self.options.title

    def prepare(self, context: Context) -> Image:
        """Nothing is fetched: which one it is, is settled now for the whole build."""
        place = self._place.enter(context)
        found = self.options.find(place)
        context.console.write(f"{found['ImageId']} {found.get('Name', '')} in {place.region}\n")
        return Image(
            "ami",
            reference=found["ImageId"],
            account=place.account.named,
            region=place.region,
            details={"digest": found["ImageId"], "name": found.get("Name", "")},
        )
