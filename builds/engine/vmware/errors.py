"""What a vCenter's faults mean, in words, and what to do about them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyVmomi import vim, vmodl

from ..errors import BuildError, SlipwayError, WorkerError

if TYPE_CHECKING:
    from .session import Session

ACCOUNTS = "Team settings → Accounts"


def unreachable(address: str, error: Exception, doing: str) -> WorkerError:
    asked = f" when it was asked {doing if doing.startswith('to ') else 'for ' + doing}" if doing else ""
    return WorkerError(
        f"The vCenter {address} does not answer{asked}: {str(error) or type(error).__name__}.",
        hint="See whether this worker reaches it, then retry. What was begun is removed.",
    )


def explain(fault: vmodl.MethodFault, session: Session, doing: str = "") -> SlipwayError:
    """The fault as an error for people; `doing`: "Cloning debian-12"."""
    what, hint = _words(fault, session)
    return BuildError(f"{doing} failed: {what}" if doing else f"The vCenter {session.address}: {what}", hint=hint)


@contextlib.contextmanager
def explained(session: Session, doing: str) -> Iterator[None]:
    try:
        yield
    except vmodl.MethodFault as fault:
        raise explain(fault, session, doing) from fault


def said(fault: Any) -> str:
    """The vCenter's own words, and the fault's name."""
    kind = type(fault).__name__.rsplit(".", 1)[-1]
    text = str(getattr(fault, "msg", "") or "").strip()
    return f"{text} ({kind})" if text else kind


def _words(fault: Any, session: Session) -> tuple[str, str]:
    """What it means, and what to do. A kind of fault stands before the kinds that it is one of."""
    match fault:
        case vim.fault.NotAuthenticated():
            return "the session ended and could not be renewed.", "Retry the build."
        case vim.fault.NoPermission():
            lacks = f"{session.user} lacks the privilege {fault.privilegeId} on {session.name_of(fault.object)}."
            return lacks, "Give the user's role this privilege there; docs/vsphere.md lists all that are needed."
        case vim.fault.InvalidLogin():
            return f"it refuses {session.user}: the name or the password is wrong.", f"Mend them in {ACCOUNTS}."
        case vim.fault.DuplicateName():
            return f"the name {fault.name} is taken.", "Rename or remove what has it, or choose another name."
        case vim.fault.NoDiskSpace():
            return f"the datastore {fault.datastore} is full.", "Make room on it, or choose another: `datastore`."
        case vim.fault.InsufficientResourcesFault():
            return said(fault), "The cluster has no room for the machine: choose another, or ask for less in `size`."
        case vim.fault.InvalidPowerState():
            state = {"poweredOn": "on", "poweredOff": "off"}.get(str(fault.existingState), fault.existingState)
            return f"the machine is {state}, which does not allow it.", "Did somebody else switch it? Retry the build."
        case vim.fault.ToolsUnavailable():
            return "VMware Tools do not run in the guest.", "Install open-vm-tools in it."
        case vim.fault.TaskInProgress():
            return "another task works on the same object.", "Wait for it to end, then retry."
        case vim.fault.Timedout():
            return said(fault), "See what keeps its hosts and datastores busy, then retry."
        case vmodl.fault.RequestCanceled():
            return "somebody cancelled the task in the vCenter.", "Retry the build."
        case vmodl.fault.ManagedObjectNotFound():
            return (
                f"{session.name_of(fault.obj)} does not exist any more.",
                "Did somebody else remove it? Retry the build.",
            )
        case vmodl.fault.InvalidArgument() if fault.invalidProperty:
            return f"{said(fault)} It is about {fault.invalidProperty}.", ""
    return said(fault), ""
