"""What the user of an account must be allowed to do. docs/vsphere.md says what each is for."""

from __future__ import annotations

from typing import Any

from .session import Session

NEEDED = (
    "Datastore.AllocateSpace",
    "Datastore.Browse",
    "Datastore.FileManagement",
    "Network.Assign",
    "Resource.AssignVMToPool",
    "VApp.Export",
    "VApp.Import",
    "VirtualMachine.Config.AddNewDisk",
    "VirtualMachine.Config.AddRemoveDevice",
    "VirtualMachine.Config.AdvancedConfig",
    "VirtualMachine.Config.Annotation",
    "VirtualMachine.Config.CPUCount",
    "VirtualMachine.Config.DiskExtend",
    "VirtualMachine.Config.EditDevice",
    "VirtualMachine.Config.Memory",
    "VirtualMachine.Config.Rename",
    "VirtualMachine.Config.Settings",
    "VirtualMachine.Interact.PowerOff",
    "VirtualMachine.Interact.PowerOn",
    "VirtualMachine.Inventory.Create",
    "VirtualMachine.Inventory.CreateFromExisting",
    "VirtualMachine.Inventory.Delete",
    "VirtualMachine.Provisioning.Clone",
    "VirtualMachine.Provisioning.DeployTemplate",
    "VirtualMachine.Provisioning.MarkAsTemplate",
    "VirtualMachine.State.CreateSnapshot",
)


def missing(session: Session, entity: Any) -> list[str]:
    """Those that the session's user has not on the object."""
    manager = session.content.authorizationManager
    answer = manager.HasPrivilegeOnEntities(
        entity=[entity], sessionId=session.content.sessionManager.currentSession.key, privId=list(NEEDED)
    )
    return [each.privId for known in answer for each in known.privAvailability if not each.isGranted]
