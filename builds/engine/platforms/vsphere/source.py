"""What a machine on vSphere starts from: a template or a machine of the vCenter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ...bases.base import Base
from ...context import Context
from ...image import Image
from ...plugin import Options


class Source(Base):
    name: ClassVar[str] = "vsphere-template"
    label: ClassVar[str] = "vSphere template"
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any, title: str, find: Callable[[Context], Image]) -> None:
        super().__init__(options)
        self._title = title
        self._find = find

    @property
    def title(self) -> str:
        return self._title

    def prepare(self, context: Context) -> Image:
        return self._find(context)
