"""The one place where the engine's plug-ins meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..bases import BASES
from ..bases.base import Base
from ..checks import CHECKS
from ..checks.base import Check
from ..formats import FORMATS
from ..formats.base import Format
from ..platforms import PLATFORMS
from ..platforms.base import NativePlatform, Platform
from ..provisioners import PROVISIONERS
from ..provisioners.base import Provisioner


@dataclass(frozen=True)
class Registry:
    """Every plug-in that a template can name, by kind."""

    bases: Mapping[str, type[Base]]
    platforms: Mapping[str, type[Platform]]
    provisioners: Mapping[str, type[Provisioner]]
    formats: Mapping[str, type[Format]]
    checks: Mapping[str, type[Check]]


def formats_of(platform: type[Platform], registry: Registry) -> Mapping[str, type[Format]]:
    """The formats that a template may ask this platform for."""
    if not platform.makes:
        return {}
    if issubclass(platform, NativePlatform):
        return {name: registry.formats[name] for name in platform.formats}
    return registry.formats


REGISTRY = Registry(BASES, PLATFORMS, PROVISIONERS, FORMATS, CHECKS)
