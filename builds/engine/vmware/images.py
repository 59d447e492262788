"""Machines that become images, and images that become machines."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from pyVmomi import vim, vmodl

from ..context import Context
from ..errors import BuildError
from ..image import Image, Size
from . import hardware, tasks
from .errors import explained
from .inventory import Site, Survey, path_of
from .library import Library
from .machines import ITEM, TEMPLATE, Owned, clone

FORMAT = "vsphere-template"
SNAPSHOT = "image"
"""From which linked clones of a template start."""
LIBRARY = "library"


def look(survey: Survey, site: Site, name: str, library: str) -> None:
    """Can an image of this name be put there?"""
    if not library:
        survey.unused(site, name)
        return
    with Library(survey.session, library) as known:
        if not known.exists():
            survey.problems.append(f"`library`: there is no content library {library}.")
        elif known.item(name):
            survey.problems.append(f"`library`: {library} has an item {name} already.")


def make(mine: Owned, name: str, library: str, size: Size, context: Context) -> Image:
    """Of a machine that is off: a template in its folder, or an item of a content library."""
    site = mine.site
    if library:
        reference, held = _item(mine, name, library, context)
    else:
        reference, held = _template(mine, name, context)
    details = {"vCenter": site.session.host, "kind": f"{LIBRARY} item" if library else "template"}
    return Image(
        FORMAT, reference=reference, account=site.account, region=site.path, holds=(held,), size=size, details=details
    )


def start(mine: Owned, image: Image, context: Context) -> None:
    """A machine from the image, which is off still."""
    session, site = mine.session, mine.site
    (held,) = image.holds
    if image.details.get("kind") == "template":
        source = session.by_id(vim.VirtualMachine, held)
        linked = "snapshot.currentSnapshot" in session.read(source, "snapshot.currentSnapshot")
        clone(mine, source, context, linked=linked)
        return
    library = image.reference.partition("/")[0]
    with Library(session, library) as known:
        places = {"resource_pool_id": site.pool._moId, "folder_id": site.folder._moId}
        mine.made(session.by_id(vim.VirtualMachine, known.deploy(held, mine.name, places)))


def _template(mine: Owned, name: str, context: Context) -> tuple[str, str]:
    session, vm, site = mine.session, mine.vm, mine.site
    doing = f"Making the template {name}"
    with explained(session, doing):
        if hardware.disk_of(mine.read("config.hardware.device")["config.hardware.device"]):
            about = "Linked clones start here."
            task = vm.CreateSnapshot_Task(name=SNAPSHOT, description=about, memory=False, quiesce=False)
            tasks.wait(session, task, context, doing)
        vm.MarkAsTemplate()
        entry = context.ledger.plan(site.account, site.path, TEMPLATE, name)
        entry.made(vm._moId)
        try:
            tasks.wait(session, vm.Rename_Task(name), context, doing)
        except BaseException:
            entry.gone()  # it is what it was: a machine of ours
            raise
    mine.keep()
    return f"/{path_of(session, vm)}", vm._moId


def _item(mine: Owned, name: str, library: str, context: Context) -> tuple[str, str]:
    site = mine.site
    entry = context.ledger.plan(site.account, site.path, ITEM, f"{library}/{name}")
    with Library(site.session, library) as known:
        try:
            item = known.capture(mine.vm._moId, name, f"Made by Slipway: {context.build}.")
        except BuildError:
            _forget(known, name, entry)
            raise
    entry.made(item)
    return f"{library}/{name}", item


def _forget(library: Library, name: str, entry: Any) -> None:
    """What a failed capture has left."""
    with suppress(BuildError, vmodl.MethodFault):
        if half := library.item(name):
            library.delete(half)
        entry.gone()
