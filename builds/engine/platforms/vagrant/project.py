"""A folder with a Vagrantfile and a home of its own: what one machine needs, and nothing beside it."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ...command import find
from ...console import Recorder
from ...context import Context
from ...errors import SlipwayError, WorkerError
from . import home, libvirt
from .cli import Vagrant, VagrantFailed

EMPTY = 'Vagrant.configure("2") { |config| config.vm.box = "none" }\n'
DESTROY_LIMIT = 300
PLUGINS = {"libvirt": "apt-get install vagrant-libvirt libvirt-daemon-system libvirt-clients qemu-system-x86"}


@dataclass
class Project:
    folder: Path
    provider: str
    vagrant: Vagrant

    @classmethod
    @contextmanager
    def make(cls, context: Context, provider: str, *, server: str = "", boxes: Path | None = None) -> Iterator[Project]:
        """A new one among the build's files. Its machine, if it has one, is gone with it on every way out.

        `boxes` is a folder that its home has in the place of an own, empty one.
        """
        # Providers name machines after the folder: two builds on one host must not have the same.
        project = cls.open(context.folder(f"{prefix(context.work)}{secrets.token_hex(4)}"), provider, server)
        home.make(project.home, boxes)
        (project.folder / "Vagrantfile").write_text(EMPTY)
        try:
            yield project
        finally:
            project.remove(context)

    @classmethod
    def open(cls, folder: Path, provider: str, server: str = "") -> Project:
        folder = folder.absolute()
        return cls(folder, provider, Vagrant(folder, home.environment(folder / "home", provider, server)))

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def name(self) -> str:
        return self.folder.name

    def remove(self, context: Context) -> None:
        """Destroy the machine and forget the project, however the build stands."""
        self.destroy(context)
        if self.provider == "libvirt":
            libvirt.remove_volumes(self.name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def destroy(self, context: Context) -> None:
        """WorkerError when the machine cannot be destroyed."""
        if not any(self.folder.glob(".vagrant/machines/*/*/id")):
            return
        last = Context(
            build=context.build, work=context.work, cache=context.cache, source=context.source, console=context.console
        )
        try:
            self.vagrant.run(
                "destroy", "--force", context=last.within(DESTROY_LIMIT, "Destroying the machine"), quiet=True
            )
        except SlipwayError as error:
            if self.provider == "libvirt":
                libvirt.remove_machines(self.name)
            raise WorkerError(
                f"The machine {self.name} cannot be destroyed: {error.message}",
                hint=f"Remove it by hand: {self.provider} lists it by that name.",
            ) from error


def prefix(work: Path) -> str:
    """With which the names of all begin that a build makes on this host, in whichever installation it is."""
    return f"slipway-{hashlib.sha256(str(work.resolve()).encode()).hexdigest()[:10]}-"


def sweep(work: Path) -> None:
    """End what a killed worker's commands have left running, then destroy the machines. Does nothing twice.

    WorkerError when some cannot be destroyed.
    """
    kill_commands(work)
    context = Context(build=work.name, work=work, cache=work, source=work, console=Recorder())
    problems = []
    for machine in work.glob(f"{prefix(work)}*/.vagrant/machines/*/*"):
        try:
            Project.open(machine.parents[3], machine.name).destroy(context)
        except WorkerError as error:
            problems.append(error)
    # Of those, too, whose project had no time to note them.
    libvirt.remove_machines(prefix(work))
    libvirt.remove_volumes(prefix(work))
    if problems:
        raise WorkerError("\n".join(each.message for each in problems), hint=problems[0].hint)


def kill_commands(work: Path) -> None:
    """Every process that one of the build's `vagrant` commands started knows its home."""
    mark = f"VAGRANT_HOME={work.absolute()}/".encode()
    for process in Path("/proc").iterdir():
        with suppress(OSError):
            if process.name.isdigit() and _has(process / "environ", mark):
                os.kill(int(process.name), signal.SIGKILL)


def _has(environ: Path, mark: bytes) -> bool:
    return any(each.startswith(mark) for each in environ.read_bytes().split(b"\0"))


def verify(provider: str) -> None:
    """WorkerError when this worker has no Vagrant, or Vagrant no such provider, or the provider not what it needs."""
    find("vagrant")
    if provider == "libvirt":
        libvirt.verify()
    with tempfile.TemporaryDirectory(prefix="slipway-") as folder:
        project = Project.open(Path(folder), provider)
        home.make(project.home)
        (project.folder / "Vagrantfile").write_text(EMPTY)
        context = Context(
            build="verify", work=project.folder, cache=project.folder, source=project.folder, console=Recorder()
        )
        try:
            project.vagrant.run("provider", "--usable", context=context.within(60, "Asking Vagrant for the provider"))
        except VagrantFailed as error:
            get = PLUGINS.get(provider, f"install what the provider {provider} needs")
            raise WorkerError(
                f"Vagrant cannot use the provider {provider} on this worker: {error.message}",
                hint=f"Get it: {get}; or, as the worker's user, `vagrant plugin install …`.",
            ) from error
