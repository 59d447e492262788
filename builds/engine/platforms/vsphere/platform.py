"""vSphere: machines in a vCenter, cloned from a template or from an earlier machine there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field
from pyVmomi import vim

from ... import command
from ...accounts.vsphere import Vsphere as Account
from ...bases.base import Base
from ...context import Context
from ...image import Image, Size
from ...layers import Layer
from ...machine import Machine
from ...plugin import SECRETS
from ...seal import seal
from ...session import load_key
from ...vmware import hardware, images, layers, machines, ova
from ...vmware.guest import Access, VsphereMachine
from ...vmware.inventory import Place, Site, Survey, path_of
from ...vmware.launch import launched
from ..base import LayeredPlatform, NativePlatform
from .source import Source, edition

if TYPE_CHECKING:
    from ...plan import Plan

MIB = 2**20
CLEAN = "Clean and shut down"
EXPORT = "Export the OVA"
TEMPLATE = "Make the template"
TITLES = {"ova": EXPORT, images.FORMAT: TEMPLATE}


class Vsphere(NativePlatform, LayeredPlatform):
    """Machines in a vCenter, cloned from a template that is there. The template's guest needs open-vm-tools, an SSH
    server and, unless it knows a key or a password of yours, cloud-init."""

    name = "vsphere"
    label = "vSphere"
    account_kind = "vsphere"
    formats = (images.FORMAT, "ova")
    worth = 60.0
    warm = False

    class Options(Place):
        template: str = Field(min_length=1)
        """The template or machine to clone: its name, or its path below the datacenter."""
        linked: bool = False
        """Share the disk of the template's snapshot instead of copying it: quick, but the disk keeps its size."""
        ssh_user: str = "root"
        """Who logs in; another than root must be allowed `sudo` without a password."""
        ssh_port: int = Field(22, ge=1, le=65535)
        """Where the guest's SSH server listens."""
        ssh_private_key: str = Field("", json_schema_extra=SECRETS)
        """A key that the template knows already, in OpenSSH's format. Empty, and no password either: a throw-away key,
        which cloud-init in the guest takes."""
        ssh_password: str = Field("", json_schema_extra=SECRETS)
        """A password that the template knows already."""

    options: Options

    def __init__(self, options: Options, wanted: Sequence[str] = formats) -> None:
        super().__init__(options)
        self._wanted = wanted

    def making(self, formats: Sequence[str]) -> Vsphere:
        return Vsphere(self.options, formats)

    def verify(self) -> None:
        command.find("xorriso")

    @property
    def base(self) -> Base:
        return Source(self.options, f"vSphere template {self.options.template}", self._prepare)

    def preflight(self, plan: Plan, context: Context) -> None:
        with self._account(context).survey() as survey:
            if site := survey.site(self.options, plan.network):
                self._source(survey, site, plan.size)
                for each in plan.formats:
                    if each.name == images.FORMAT:
                        images.look(survey, site, each.options.name or plan.unique_name, each.options.library)
            survey.check()

    @contextmanager
    def launch(self, base: Image, size: Size, network: str, context: Context) -> Iterator[Machine]:
        with self._account(context).site(self.options, network) as site:
            source = site.session.by_id(vim.VirtualMachine, base.reference)
            datastore = site.datastore if self.options.datastore else None

            def create(mine: machines.Owned) -> None:
                machines.clone(mine, source, context, linked=self.options.linked, datastore=datastore)

            with launched(site, create, size, self._access(context), context) as machine:
                yield machine

    def shape(self, base: Image, size: Size, network: str, context: Context) -> Mapping[str, str]:
        """Where the machine is counts too: another cluster's or datastore's may not reach the layer."""
        names = ("datacenter", "cluster", "datastore", "network", "isolated_network")
        where = {name: str(getattr(self.options, name)) for name in names}
        return {"account": base.account, "region": base.region, **where}

    def save(self, machine: Machine, folder: Path, former: Layer | None, context: Context) -> Mapping[str, Any]:
        return layers.save(_ours(machine), context)

    @contextmanager
    def resume(self, layer: Layer, base: Image, size: Size, network: str, context: Context) -> Iterator[Machine]:
        linked = images.FORMAT not in self._wanted  # of an OVA's machine nothing stays there
        with self._account(context).site(self.options, network) as site:
            datastore = site.datastore if self.options.datastore else None
            access = self._access(context)
            with layers.resumed(layer, site, size, access, context, linked=linked, datastore=datastore) as machine:
                yield machine

    def steps(self, plan: Plan) -> Sequence[str]:
        asked = {each.name for each in plan.formats}
        return [CLEAN, *(title for name, title in TITLES.items() if name in asked)]

    def images(self, machine: Machine, plan: Plan, folder: Path, context: Context) -> Mapping[str, Image]:
        machine = _ours(machine)
        mine, asked = machine.mine, {each.name: each for each in plan.formats}
        with context.step(CLEAN) as step:
            seal(machine, step, machine.access.blob)
            machine.shut_down(step)
            machines.unfurnish(mine, step)
        made = {}
        if "ova" in asked:
            with context.step(EXPORT) as step:
                path = folder / f"{plan.name}.ova"
                ova.export(mine, path, plan.name, step)
                made["ova"] = Image("ova", path=path, size=plan.size, details={"runs on": "VMware"})
        if images.FORMAT in asked:
            with context.step(TEMPLATE) as step:
                made[images.FORMAT] = self._template(mine, asked[images.FORMAT].options, made.get("ova"), plan, step)
        return made

    def _template(self, mine: machines.Owned, options: Any, made: Image | None, plan: Plan, context: Context) -> Image:
        name = options.name or plan.unique_name
        if not options.library:
            return images.template(mine, name, plan.size, context)
        with TemporaryDirectory(dir=context.work) as folder:
            path = made.file if made else Path(folder) / f"{plan.name}.ova"
            if not made:
                ova.export(mine, path, plan.name, context)
            return images.item(mine.site, name, options.library, path, plan.size, context)

    @contextmanager
    def boot_image(self, image: Image, size: Size, context: Context, *, network: str = "outside") -> Iterator[Machine]:
        with self._account(context).site(self.options, network) as site:

            def create(mine: machines.Owned) -> None:
                if image.format == images.FORMAT:
                    images.start(mine, image, context)
                else:
                    ova.import_(mine, image.file, context)

            with launched(site, create, size, self._access(context), context) as machine:
                yield machine

    def _account(self, context: Context) -> Account:
        return cast(Account, context.accounts(Account.name, self.options.account))

    def _prepare(self, context: Context) -> Image:
        account = self._account(context)
        with account.site(self.options) as site:
            survey = Survey(site.session)
            source = survey.machine(site, self.options.template)
            survey.check()
            where = f"/{path_of(site.session, source)}"
            context.console.fact("template", where)
            return Image(
                images.FORMAT,
                reference=source._moId,
                account=account.named,
                region=site.path,
                details={"path": where, "digest": edition(site.session, source)},
            )

    def _source(self, survey: Survey, site: Site, size: Size) -> None:
        """What keeps the template from being cloned into such a machine."""
        if (source := survey.machine(site, self.options.template)) is None:
            return
        about = site.session.read(source, "config.hardware.device", "snapshot.currentSnapshot", "datastore")
        devices = about.get("config.hardware.device", ())
        disk = hardware.disk_of(devices)
        if disk is None or hardware.card_of(devices) is None:
            survey.problems.append("`template`: it has no disk, or no network card.")
            return
        has = hardware.bytes_of(disk)
        if size.disk < has or (self.options.linked and size.disk > has):
            why = "a linked clone keeps it" if self.options.linked else "disks only grow"
            survey.problems.append(f"`size.disk`: the template's disk has {has // MIB} MiB, and {why}.")
        if self.options.linked and "snapshot.currentSnapshot" not in about:
            survey.problems.append("`linked`: the template has no snapshot to start from.")
        if not self.options.linked:
            survey.room(size.disk, site.datastore if self.options.datastore else about["datastore"][0])

    def _access(self, context: Context) -> Access:
        options = self.options
        if not (options.ssh_private_key or options.ssh_password):
            return Access.throwaway(options.ssh_user, options.ssh_port, options.ip_timeout)
        pem, password = context.fill(options.ssh_private_key), context.fill(options.ssh_password)
        key = load_key(pem) if pem else password
        return Access(options.ssh_user, key, port=options.ssh_port, patience=options.ip_timeout)


def _ours(machine: Machine) -> VsphereMachine:
    if not isinstance(machine, VsphereMachine):
        raise TypeError(f"{type(machine).__name__} was not launched by this platform")
    return machine
