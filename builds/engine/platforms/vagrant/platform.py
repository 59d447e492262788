"""Vagrant: machines that start from any box, with any provider that the worker has, and become boxes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from ...command import find
from ...context import Context
from ...errors import WorkerError
from ...image import Image, Size
from ...machine import Machine
from ...plugin import Options as PluginOptions
from ..base import NativePlatform
from ..qemu import acceleration
from . import project as projects
from . import shelf, vagrantfile
from .box import VagrantBox
from .machine import VagrantMachine
from .package import Box, rewrite
from .project import Project

if TYPE_CHECKING:
    from ...plan import Plan

CLEAN, PACKAGE = "Clean and shut down", "Package the box"
PROVIDERS = {
    "box-libvirt": "libvirt",
    "box-virtualbox": "virtualbox",
    "box-vmware_desktop": "vmware_desktop",
}
NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
VERSION = re.compile(r"(?!-)[\w.~<>=!, -]*")
DRIVERS = {"kvm": "kvm", "tcg": "qemu"}
"""What libvirt calls the ways to run a machine."""
BOOT = 600.0  # seconds that Vagrant waits where the build sets no limit


class BoxOptions(PluginOptions):
    box: str = Field(examples=["debian/bookworm64"])
    """Its name in the catalog, or the address (https://…) of a catalog or of a box.
    Of its own Vagrantfile only settings of its hardware are used."""
    box_version: str = ""
    """Its version, or a condition such as `~> 12.0`. The newest one if empty."""
    box_checksum: str = Field("", pattern="^([0-9a-f]{64})?$")
    """The sha256 of the box's file. Without it, a box given by its address is downloaded for each build."""
    server_url: str = ""
    """The catalog that knows the box's name. Vagrant's own if empty."""
    driver: Literal["auto", "kvm", "qemu"] = "auto"
    """What runs the machine under libvirt: `kvm`, `qemu` (in software, slow), or `auto`, the best that works."""

    @field_validator("box")
    @classmethod
    def _named(cls, box: str) -> str:
        return box if NAME.fullmatch(box) else _address(box, "a box's name, such as debian/bookworm64, or its address")

    @field_validator("server_url")
    @classmethod
    def _reached(cls, url: str) -> str:
        return _address(url.rstrip("/"), "a catalog's address") if url else url

    @field_validator("box_version")
    @classmethod
    def _ordered(cls, version: str) -> str:
        if not VERSION.fullmatch(version):
            raise ValueError(f"expected a version, such as 12.0 or `~> 12.0`, not {version!r}")
        return version.strip()


class Vagrant(NativePlatform):
    name = "vagrant"
    label = "Vagrant"
    formats = tuple(PROVIDERS)
    Options = BoxOptions

    options: BoxOptions
    shutdown_limit: ClassVar[float] = 180  # seconds

    def __init__(self, options: BoxOptions, provider: str = "") -> None:
        super().__init__(options)
        self.provider = provider

    def verify(self) -> None:
        """Without a provider in mind, any that works is enough."""
        if self.provider:
            return projects.verify(self.provider)
        find("vagrant")
        problems = []
        for provider in PROVIDERS.values():
            try:
                return projects.verify(provider)
            except WorkerError as error:
                problems.append(error)
        raise WorkerError("\n".join(each.message for each in problems), hint=problems[0].hint)

    def making(self, formats: Sequence[str]) -> Vagrant:
        """The format that the template asks for tells the provider."""
        return Vagrant(self.options, PROVIDERS[formats[0]])

    def flaws(self, formats: Sequence[str], network: str) -> Iterator[str]:
        if len(formats) > 1:
            yield f"a machine of Vagrant becomes a box for its own provider: ask for one of {', '.join(formats)}"
        if network == "none":
            yield "Vagrant reaches its machines over a network that leads outside: `network: none` is not possible"

    @property
    def base(self) -> VagrantBox:
        return VagrantBox(self.options, self.provider)

    @contextmanager
    def launch(self, base: Image, size: Size, network: str, context: Context) -> Iterator[Machine]:
        provider = base.details["provider"]
        needs = {**vagrantfile.settings(provider, shelf.own_vagrantfile(base.file)), "shell": vagrantfile.SHELL}
        with Project.make(context, provider) as project:
            name = base.details["box"] or project.name
            place = project.home / "boxes" / name / "0"
            place.mkdir(parents=True)
            (place / provider).symlink_to(base.file.absolute())
            self._configure(project, name, size, needs, context)
            yield from _started(VagrantMachine(project, self.shutdown_limit, needs), context)

    def steps(self, plan: Plan) -> Sequence[str]:
        return (CLEAN, PACKAGE)

    def images(self, machine: Machine, plan: Plan, folder: Path, context: Context) -> Mapping[str, Image]:
        if not isinstance(machine, VagrantMachine):
            raise TypeError(f"{type(machine).__name__} was not launched by this platform")
        with context.step(CLEAN) as step:
            has_bash = machine.run("command -v bash", step, quiet=True).exit_code == 0
            machine.seal(step)
            machine.shut_down(step)
        (made,) = plan.formats
        target = folder / f"{plan.name}{made.suffix}"
        project = machine.project
        with context.step(PACKAGE) as step:
            packed = project.folder / "packed.box"
            project.vagrant.run("package", "--output", str(packed), context=step)
            needs = {name: value for name, value in machine.needs.items() if name != "shell" or not has_bash}
            box = Box(project.provider, plan.name, plan.size, needs)
            rewrite(packed, target, box, step.folder(f"{project.name}/parts"), step)
        return {made.name: Image(made.name, path=target, size=plan.size, details=made.details())}

    @contextmanager
    def boot_image(self, image: Image, size: Size, context: Context, *, network: str = "outside") -> Iterator[Machine]:
        """From the finished file, added to a new home as its user would; its own Vagrantfile says what it needs."""
        provider = PROVIDERS[image.format]
        with Project.make(context, provider) as project:
            box = ("--name", project.name, "--provider", provider, str(image.file.absolute()))
            project.vagrant.run("box", "add", *box, context=context)
            self._configure(project, project.name, None, {}, context)
            yield from _started(VagrantMachine(project, self.shutdown_limit), context)

    def sweep(self, build: str, work: Path) -> None:
        projects.sweep(work)

    def _configure(
        self, project: Project, box: str, size: Size | None, needs: Mapping[str, str], context: Context
    ) -> None:
        driver = ""
        if project.provider == "libvirt":
            wanted = {"qemu": "tcg"}.get(self.options.driver, self.options.driver)
            driver = DRIVERS[acceleration.choose(wanted, context).name]
        text = vagrantfile.working(
            box, project.provider, size=size, driver=driver, needs=needs, boot_seconds=context.deadline.left or BOOT
        )
        (project.folder / "Vagrantfile").write_text(text)


def _started(machine: VagrantMachine, context: Context) -> Iterator[Machine]:
    try:
        machine.switch_on(context)
        yield machine
    finally:
        machine.detach()


def _address(text: str, what: str) -> str:
    url = urlsplit(text)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise ValueError(f"expected {what}, not {text!r}")
    if url.username or url.password:
        raise ValueError("an address must not hold a password: it would be kept and shown")
    return text
