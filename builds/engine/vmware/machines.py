"""Virtual machines of ours, from before they exist until they are gone or have become an image."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pyVmomi import vim, vmodl

from ..context import Context
from ..errors import Cancelled, SlipwayError, TimedOut, WorkerError
from ..image import Size
from ..ledger import Entry
from ..seed import Seed
from . import files, hardware, marks, removal, tasks
from .errors import explained
from .inventory import Site
from .session import Session

# The ledger's words.
MACHINE, TEMPLATE, ITEM, FILE = "virtual-machine", "template", "library-item", "datastore-file"
GUESTINFO = ("metadata", "metadata.encoding", "userdata", "userdata.encoding")
MIB = 2**20


class Owned:
    """A machine that the ledger knows."""

    def __init__(self, site: Site, name: str, entry: Entry) -> None:
        self.site = site
        self.name = name
        self.entry = entry
        self.vm: Any = None
        self.kept = False
        self.disc: Entry | None = None

    @property
    def session(self) -> Session:
        return self.site.session

    def made(self, vm: Any) -> None:
        self.vm = vm
        self.entry.made(vm._moId)

    def keep(self) -> None:
        """It has become an image, which the ledger knows as such."""
        self.kept = True
        self.entry.gone()

    def read(self, *paths: str) -> dict[str, Any]:
        return self.session.read(self.vm, *paths)

    def reconfigure(self, spec: Any, context: Context, doing: str) -> None:
        with explained(self.session, doing):
            tasks.wait(self.session, self.vm.ReconfigVM_Task(spec), context, doing)


@contextmanager
def owned(site: Site, context: Context, create: Callable[[Owned], None], kind: str = "") -> Iterator[Owned]:
    """A machine that `create` makes, under the name that it is given; gone afterwards unless it was kept."""
    name = marks.fresh(context, kind)
    mine = Owned(site, name, context.ledger.plan(site.account, site.path, MACHINE, name))
    unsure = False
    try:
        try:
            create(mine)
        except (Cancelled, TimedOut, WorkerError):  # whether it is being made still, nobody has told
            unsure = True
            raise
        yield mine
    finally:
        if not mine.kept:
            _remove(mine, unsure, context)


def _remove(mine: Owned, unsure: bool, context: Context) -> None:
    calm = removal.undisturbed(context)
    try:
        found = removal.machine(mine.session, mine.site.datacenter, mine.name, mine.entry.resource.reference, calm)
    except (SlipwayError, vmodl.MethodFault) as error:
        # The ledger still has it: it will be tried again.
        context.console.write(f"{mine.name} could not be removed now: {error}\n")
        return
    if found or not unsure:
        mine.entry.gone()
        if mine.disc:
            mine.disc.gone()


def clone(mine: Owned, source: Any, context: Context, *, linked: bool, datastore: Any = None) -> None:
    """Copy a machine or template. A linked clone shares the disk of the source's snapshot, which takes a moment."""
    site, session = mine.site, mine.session
    about = session.read(source, "name", "snapshot.currentSnapshot")
    spec = vim.vm.CloneSpec(
        location=vim.vm.RelocateSpec(
            pool=site.pool,
            datastore=datastore,
            diskMoveType="createNewChildDiskBacking" if linked else None,
        ),
        snapshot=about["snapshot.currentSnapshot"] if linked else None,
        config=marks.marked(context, mine.name),
        powerOn=False,
        template=False,
    )
    doing = f"Cloning {about['name']}"
    with explained(session, doing):
        task = source.CloneVM_Task(folder=site.folder, name=mine.name, spec=spec)
        mine.made(tasks.wait(session, task, context, doing))


def furnish(mine: Owned, size: Size, seed: Seed | None, context: Context) -> None:
    """Give it its size, its network and its login, in one step after it was made."""
    about = mine.read("config.hardware.device", "config.files.vmPathName")
    devices = about["config.hardware.device"]
    changes = [*hardware.grow(devices, size.disk), *hardware.plug(devices, mine.site.network, mine.session)]
    options: list[Any] = []
    if seed:
        options = marks.options(guestinfo(seed, mine.name))
        disc = files.beside(about["config.files.vmPathName"], removal.DISC)
        _upload_seed(mine, seed, disc, context)
        changes += hardware.insert(devices, disc)
    spec = vim.vm.ConfigSpec(
        numCPUs=size.cpus,
        numCoresPerSocket=size.cpus,
        memoryMB=-(-size.memory // (4 * MIB)) * 4,
        extraConfig=options,
        deviceChange=changes,
    )
    mine.reconfigure(spec, context, "Giving the machine its size and its login")


def unfurnish(mine: Owned, context: Context) -> None:
    """Take the login back before the machine becomes an image."""
    if not mine.disc:
        return
    disc = mine.disc.resource.name
    take_login(mine, disc, context)
    with explained(mine.session, "Removing the login's disc"):
        files.delete(mine.session, mine.site.datacenter, disc, context)
    mine.disc.gone()
    mine.disc = None


def take_login(mine: Owned, disc: str, context: Context) -> None:
    """Out of the configuration of a machine, or of its copy. `disc`: the file with the login."""
    devices = mine.read("config.hardware.device")["config.hardware.device"]
    spec = vim.vm.ConfigSpec(
        extraConfig=marks.options({f"guestinfo.{key}": "" for key in GUESTINFO}),
        deviceChange=hardware.eject(devices, disc),
    )
    mine.reconfigure(spec, context, "Taking the login out of the machine")


def guestinfo(seed: Seed, instance: str) -> dict[str, str]:
    """What cloud-init's VMware datasource reads."""
    texts = {"metadata": seed.meta_data(instance), "userdata": seed.user_data()}
    values = {}
    for key, text in texts.items():
        values[f"guestinfo.{key}"] = b64encode(text.encode()).decode()
        values[f"guestinfo.{key}.encoding"] = "base64"
    return values


def _upload_seed(mine: Owned, seed: Seed, target: str, context: Context) -> None:
    """The same as a NoCloud volume, for images without cloud-init or VMware Tools."""
    with TemporaryDirectory(dir=context.work) as folder:
        volume = Path(folder) / removal.DISC
        seed.write(volume, mine.name, context)
        mine.disc = context.ledger.plan(mine.site.account, mine.site.path, FILE, target)
        files.upload(mine.session, mine.site.path, volume, target)
        mine.disc.made(target)
