"""The validated part of a template for one platform: what the engine executes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .bases.base import Base
from .checks.base import Check
from .formats.base import FileFormat, PlacedFormat
from .image import Size
from .platforms.base import DiskPlatform, NativePlatform
from .provisioners.base import Provisioner


@dataclass(frozen=True)
class Limits:
    """Seconds that a part of a build may take."""

    boot: float = 600
    provisioner: float = 1800
    build: float = 7200


@dataclass(frozen=True)
class Plan:
    """Everything that one platform's build needs, with defaults filled in. Secret values are not in it."""

    name: str
    """What the images are called: "acme-wiki-1.4.0"; made of letters, digits, dots and dashes."""
    platform: DiskPlatform | NativePlatform
    base: Base
    size: Size
    network: str
    provisioners: tuple[Provisioner, ...]
    formats: tuple[FileFormat | PlacedFormat, ...]
    checks: tuple[Check, ...]
    variables: Mapping[str, str] = field(default_factory=dict)
    secrets: frozenset[str] = frozenset()
    limits: Limits = field(default_factory=Limits)
    revision: int = 1
    """Which revision of the release this is. With it, names in places that we share with others are unique."""

    @property
    def unique_name(self) -> str:
        """What the images are called where no two may have the same name: "acme-wiki-1.4.0-r2"."""
        return f"{self.name}-r{self.revision}"
