"""What boxes that were made elsewhere start from: nobody here knows."""

from __future__ import annotations

from ...bases.base import Base
from ...context import Context
from ...errors import BuildError
from ...image import Image
from ...plugin import Options


class Elsewhere(Base):
    name = "elsewhere"
    label = "Made elsewhere"
    Options = Options

    @property
    def title(self) -> str:
        return "boxes made elsewhere"

    def prepare(self, context: Context) -> Image:
        raise BuildError(
            "Boxes that were made elsewhere cannot be built.",
            hint="Upload them to the release, or name another platform.",
        )
