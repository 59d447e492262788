"""A team's account in a vCenter, a ledger that remembers, and what a build needs beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from builds.engine import formats, pipeline, template
from builds.engine.accounts.vsphere import Vsphere
from builds.engine.command import run
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.image import Image, Size
from builds.engine.ledger import Entry, Ledger, Resource
from builds.engine.outcome import Outcome
from builds.engine.plan import Plan
from builds.engine.vmware.inventory import Place, Site
from tests.simulators import disks
from tests.simulators.vsphere import VsphereSimulator
from tests.simulators.vsphere.client import Client

TAGS = {"slipway:installation": "lab", "slipway:build": "build-7", "slipway:appliance": "acme/wiki"}
NAME = "acme-wiki-1.4.0"
LIMIT = 120  # seconds: ten times what anything here takes on an idle machine
PLACE = Place(cluster="DC0_C0")
NATIVE = """\
size: {{cpus: 1, memory: 256M, disk: 80M}}
provisioners:
  - file: {{content: made here, target: /etc/made, cache: {cache}}}
platforms:
  vsphere: {{cluster: DC0_C0, formats: [{formats}]{options}}}
checks:
  - command: {{run: cat /etc/made, contains: made here}}
"""


class Book(Ledger):
    """Remembers every line, and tells somebody."""

    def __init__(self, told: Callable[[Resource, bool], None] = lambda *_: None) -> None:
        self.entries: list[Line] = []
        self.told = told

    def plan(self, account: str, place: str, kind: str, name: str) -> Entry:
        line = Line(self, Resource(account, place, kind, name))
        self.entries.append(line)
        self.told(line.resource, True)
        return line

    def standing(self) -> list[Resource]:
        return [line.resource for line in self.entries if not line.is_gone]


class Line(Entry):
    def __init__(self, book: Book, resource: Resource) -> None:
        super().__init__(resource)
        self._book = book
        self.is_gone = False

    def made(self, reference: str) -> None:
        super().made(reference)
        self._book.told(self.resource, True)

    def gone(self) -> None:
        self.is_gone = True
        self._book.told(self.resource, False)


class Lab:
    def __init__(self, vcenter: VsphereSimulator, folder: Path) -> None:
        self.vcenter = vcenter
        self.account = account(vcenter)
        self.book = Book()
        self.console = Recorder()
        self.out = folder / "out"
        for name in ("work", "source", "cache", "out"):
            (folder / name).mkdir()
        self.context = Context(
            *("build-7", folder / "work", folder / "cache", folder / "source", self.console),
            accounts=self._account,
            ledger=self.book,
            tags=TAGS,
        ).within(LIMIT, "The test")
        self._open = ExitStack()

    def close(self) -> None:
        self._open.close()

    @cached_property
    def client(self) -> Client:
        """Somebody else in the same vCenter."""
        client = Client(self.vcenter)
        self._open.callback(client.service._stub.DropConnections)
        return client

    def _account(self, kind: str, name: str) -> Vsphere:
        return self.account

    def site(self, place: Place = PLACE) -> Site:
        return self._open.enter_context(self.account.site(place))

    def plan(self, text: str, platform: str = "vsphere", values: Mapping[str, str] | None = None) -> Plan:
        return template.parse(text).plans(NAME, values or {}, None)[platform]

    def native(self, formats: str = "vsphere-template", *, cache: bool = False, **options: object) -> Plan:
        options = {"template": self.vcenter.template, **options}
        written = "".join(f", {key}: {value}" for key, value in options.items())
        return self.plan(NATIVE.format(formats=formats, options=written, cache=str(cache).lower()))

    def build(self, plan: Plan, **changed: object) -> Outcome:
        return pipeline.build(plan, replace(self.context, **changed), self.out)

    def sweep(self) -> None:
        """What the installation's reaper does with a build that has ended."""
        held = [resource for _, resource in self.account.held(["DC0"], {"slipway:installation": "lab"})]
        known = [*self.book.standing(), *held]
        for resource in sorted(known, key=lambda each: self.account.order.index(each.kind)):
            self.account.remove(resource, self.context)


def account(vcenter: VsphereSimulator, **changed: str) -> Vsphere:
    options = {
        "host": f"{vcenter.host}:{vcenter.port}",
        "user": vcenter.user,
        "password": vcenter.password,
        "ca": vcenter.ca.read_text(),
    }
    return Vsphere(Vsphere.Options(**{**options, **changed}), "lab")


def make_ova(folder: Path) -> Path:
    """The small simulated disk as an OVA, as the platform qemu makes them."""
    disk = folder / "disk.qcow2"
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", disks.tiny(), disk])
    size = Size(cpus=1, memory=256 * 2**20, disk=64 * 2**20)
    context = Context("ova", folder, folder, folder, Recorder())
    asked = [formats.FORMATS["ova"](formats.FORMATS["ova"].Options())]
    return formats.convert(Image("disk", disk, size=size), NAME, asked, folder, context)["ova"].file
