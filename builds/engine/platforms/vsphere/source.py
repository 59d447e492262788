"""What a machine on vSphere starts from: a template or a machine of the vCenter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from ...bases.base import Base
from ...context import Context
from ...image import Image
from ...plugin import Options
from ...vmware import hardware
from ...vmware.session import Session


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


def edition(session: Session, source: Any) -> str:
    """Changes whenever the template does; empty: it runs, and changes all the time."""
    power, modified, devices = "runtime.powerState", "config.modified", "config.hardware.device"
    about = session.read(source, power, modified, devices)
    if about.get(power) != "poweredOff":
        return ""
    disk = hardware.disk_of(about.get(devices, ()))
    # Whoever writes to a disk gives it another content id, even when its machine's settings stay as they were.
    content = getattr(disk.backing, "contentId", None) if disk else None
    return f"{source._moId} {about[modified].isoformat()} {content or ''}".strip()
