"""Machines that become images, and images that become machines."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pyVmomi import vim

from ..context import Context
from ..errors import SlipwayError
from ..image import Image, Size
from ..ledger import Resource
from . import marks, tasks
from .errors import explained
from .inventory import Site, Survey, path_of
from .library import Library
from .machines import ITEM, TEMPLATE, Owned, clone
from .session import Session

FORMAT = "vsphere-template"
NAME_LIMIT = 80
"""Characters that a vCenter takes."""
SNAPSHOT = "image"
"""From which linked clones of a template start."""


def look(survey: Survey, site: Site, name: str, library: str) -> None:
    """Can an image of this name be put there?"""
    if len(name) > NAME_LIMIT:
        survey.problems.append(
            f"the name {name} has more than {NAME_LIMIT} characters: choose a shorter one with `name`."
        )
    if not library:
        survey.unused(site, name)
        return
    with Library(survey.session, library) as known:
        if not known.exists():
            survey.problems.append(f"`library`: there is no content library {library}.")
        elif known.item(name):
            survey.problems.append(f"`library`: {library} has an item {name} already.")


def start(mine: Owned, image: Image, context: Context) -> None:
    """A machine from the image, which is off still."""
    session, site = mine.session, mine.site
    (held,) = image.holds
    if image.reference.startswith("/"):
        source = session.by_id(vim.VirtualMachine, held)
        linked = "snapshot.currentSnapshot" in session.read(source, "snapshot.currentSnapshot")
        clone(mine, source, context, linked=linked)
        return
    library = image.reference.partition("/")[0]
    with Library(session, library) as known:
        mine.made(session.by_id(vim.VirtualMachine, known.deploy(held, mine.name, site, context)))


def template(mine: Owned, name: str, size: Size, context: Context) -> Image:
    """Of a machine that is off: it becomes a template in its folder, under this name."""
    session, vm, site = mine.session, mine.vm, mine.site
    doing = f"Making the template {name}"
    with explained(session, doing):
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
    return _image(site, "template", f"/{path_of(session, vm)}", vm._moId, size)


def item(site: Site, name: str, library: str, ova: Path, size: Size, context: Context) -> Image:
    """Of an OVA: it becomes an item of the content library."""
    entry = context.ledger.plan(site.account, site.path, ITEM, f"{library}/{name} {marks.fresh(context)}")
    try:
        with Library(site.session, library) as known:
            known.add(name, marks.about(entry.resource.name), ova, context, entry.made)
    except BaseException:
        with suppress(SlipwayError):
            if remove_item(site.session, entry.resource):
                entry.gone()
        raise
    return _image(site, "library item", f"{library}/{name}", entry.resource.reference, size)


def remove_item(session: Session, resource: Resource) -> bool:
    """False: there is none."""
    place, _, _ = resource.name.rpartition(" ")
    library, _, name = place.partition("/")
    with Library(session, library) as known:
        if found := resource.reference or known.ours(name, marks.about(resource.name)):
            known.delete(found)
        return bool(found)


def _image(site: Site, kind: str, reference: str, held: str, size: Size) -> Image:
    details = {"vCenter": site.session.host, "kind": kind}
    return Image(
        FORMAT, reference=reference, account=site.account, region=site.path, holds=(held,), size=size, details=details
    )
