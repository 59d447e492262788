"""States of machines for later builds to go on from: copies of them, which are off.

A running file system cannot be copied: a snapshot without memory is a disk as after a power cut, and quiescing needs
VMware Tools with scripts of the guest's own. So the machine is shut down for it, and started again.

The copy is a full one. A linked clone would hang on the disks of the building machine, which go with the build; and a
template that comes from a layer must not hang on the layer's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyVmomi import vim, vmodl

from ..context import Context
from ..image import Size
from ..layers import Layer, Unresumable
from ..seal import forget, lock_out
from . import marks, tasks
from .errors import explained
from .guest import Access, VsphereMachine
from .inventory import Site
from .launch import launched
from .machines import Owned, clone, owned, take_login

SNAPSHOT = "layer"
"""From which linked clones start."""


def save(machine: VsphereMachine, context: Context) -> dict[str, Any]:
    """Both machines, this one from now on and those that go on from the copy, find out anew who they are."""
    forget(machine, context)
    try:
        machine.shut_down(context)
        return _copy(machine, context)
    finally:
        context.check()
        machine.come_back(context)


def _copy(machine: VsphereMachine, context: Context) -> dict[str, Any]:
    mine, session = machine.mine, machine.mine.session

    def create(layer: Owned) -> None:
        clone(layer, mine.vm, context, linked=False)

    with owned(mine.site, context, create, marks.LAYER) as layer:
        if mine.disc:
            take_login(layer, mine.disc.resource.name, context)
        doing = f"Making a snapshot of {layer.name}"
        with explained(session, doing):
            about = "Builds go on from here."
            task = layer.vm.CreateSnapshot_Task(name=SNAPSHOT, description=about, memory=False, quiesce=False)
            tasks.wait(session, task, context, doing)
        size = layer.read("summary.storage.committed").get("summary.storage.committed", 0)
        layer.kept = True
    return {
        "account": mine.site.account,
        "region": mine.site.path,
        "reference": layer.name,
        "holds": [layer.entry.resource.reference],
        "login": machine.access.blob,
        "size": int(size),
    }


@contextmanager
def resumed(
    layer: Layer, site: Site, size: Size, access: Access, context: Context, *, linked: bool, datastore: Any
) -> Iterator[VsphereMachine]:
    """A new machine, with a login of its own. A linked one must not outlive the layer."""
    source = site.session.by_id(vim.VirtualMachine, layer.holds[0])
    try:
        site.session.read(source, "name")
    except vmodl.fault.ManagedObjectNotFound as gone:
        name = layer.details["reference"]
        raise Unresumable(f"There is no machine {name} any more: somebody else has removed it.") from gone

    def create(mine: Owned) -> None:
        clone(mine, source, context, linked=linked, datastore=datastore)

    with launched(site, create, size, access, context) as machine:
        if login := layer.details["login"]:
            lock_out(machine, login, context)
        yield machine
