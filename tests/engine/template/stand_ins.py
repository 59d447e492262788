"""Small plug-ins of every kind, so that these tests do not depend on what the real ones offer."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from builds.engine import plugin
from builds.engine.bases.base import Base
from builds.engine.checks import CHECKS
from builds.engine.formats.base import Format
from builds.engine.platforms.base import Platform
from builds.engine.provisioners import PROVISIONERS
from builds.engine.template import Registry


class Debian(Base):
    """Debian GNU/Linux."""

    name = "debian"
    label = "Debian"

    class Options(plugin.Options):
        debian: Literal["12"]
        """The release."""

    @property
    def title(self) -> str:
        return f"debian:{self.options.debian}"

    def prepare(self, context: Any) -> Any:
        raise NotImplementedError


class FileBase(Debian):
    """A disk in the source."""

    name = "file"
    label = "File"

    class Options(plugin.Options):
        file: str
        """Path in the source."""

    def files(self) -> tuple[str, ...]:
        return (self.options.file,)


class Qemu(Platform):
    """Machines on this worker."""

    name = "qemu"
    label = "QEMU"

    class Options(plugin.Options):
        accelerator: Literal["auto", "kvm", "tcg"] = "auto"
        """What runs the machine."""

    def launch(self, *arguments: Any) -> Any:
        raise NotImplementedError

    capture = boot = sweep = launch


class Qcow2(Format):
    """QEMU's own."""

    name = "qcow2"
    label = "QCOW2"
    source = "disk"
    suffix = ".qcow2"
    media_type = "application/x-qemu-disk"

    class Options(plugin.Options):
        pass

    def drive(self, *arguments: Any) -> Any:
        raise NotImplementedError


class Ova(Qcow2):
    """For VMware and VirtualBox."""

    name = "ova"
    label = "OVA"

    class Options(plugin.Options):
        hardware: int = Field(14, ge=13, le=21)
        """Virtual hardware version."""


REGISTRY = Registry(
    bases={"debian": Debian, "file": FileBase},
    platforms={"qemu": Qemu},
    provisioners=PROVISIONERS,
    formats={"ova": Ova, "qcow2": Qcow2},
    checks=CHECKS,
)
