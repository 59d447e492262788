"""Removing what is ours, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pyVmomi import vim, vmodl

from ..context import Context, Deadline, Stop
from ..errors import BuildError
from . import files, marks, tasks
from .errors import explained
from .session import Session

LIMIT = 300  # seconds
PAUSES = (0.5, 1.0, 2.0)  # seconds before each further try
DISC = "slipway-seed.iso"
"""In the folder of a machine of ours: what tells it who may log in."""


def undisturbed(context: Context) -> Context:
    """The same without its end: what was begun is removed, even when the build was cancelled."""
    return replace(context, stop=Stop(), deadline=Deadline(LIMIT, "Removing what the build has made"))


def machine(session: Session, datacenter: Any, name: str, reference: str, context: Context) -> bool:
    """Destroy a machine or template with all its files; False: there is none.

    With a reference, that one; else the one of this name. What has neither our name nor our mark stays.
    """
    doing = f"Removing {name}"
    with explained(session, doing):
        found = session.by_id(vim.VirtualMachine, reference) if reference else _named(session, datacenter, name)
        try:
            return found is not None and _persist(lambda: _destroy(session, datacenter, found, name, context), context)
        except vmodl.fault.ManagedObjectNotFound:
            return False


def _persist(destroy: Callable[[], bool], context: Context) -> bool:
    """What was asked of the machine just before may still be going on: it starts, it is being made."""
    for pause in PAUSES:
        try:
            return destroy()
        except (vim.fault.InvalidPowerState, vim.fault.TaskInProgress):
            context.wait(pause)
    return destroy()


def _named(session: Session, datacenter: Any, name: str) -> Any:
    known = session.all(datacenter, vim.VirtualMachine, "name")
    return next((entity for entity, about in known if about.get("name") == name), None)


def _destroy(session: Session, datacenter: Any, vm: Any, name: str, context: Context) -> bool:
    about = session.read(vm, "name", "runtime.powerState", "config.extraConfig", "config.files.vmPathName")
    if about.get("name") != name and not marks.is_ours(about.get("config.extraConfig")):
        raise BuildError(
            f"{about.get('name', name)} does not say that it was made by Slipway: it stays.",
            hint="If it can go, remove it in the vCenter.",
        )
    if about.get("runtime.powerState") != "poweredOff":
        with suppress(vim.fault.InvalidPowerState):  # it was quicker
            tasks.finish(session, vm.PowerOffVM_Task(), context)
    if home := about.get("config.files.vmPathName"):
        # First: a folder with a file in it that is not the machine's would stay.
        files.delete(session, datacenter, files.beside(home, DISC), context)
    tasks.finish(session, vm.Destroy_Task(), context)
    return True
