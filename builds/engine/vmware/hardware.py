"""Changes to a machine's virtual devices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from pyVmomi import vim

from ..errors import BuildError
from .session import Session

Device: TypeAlias = Any
Change: TypeAlias = Any
KINDS = vim.vm.device
IDE_PLACES = 2  # devices on one IDE controller
NEW = -1  # keys below zero stand for what is not there yet


def disk_of(devices: Iterable[Device]) -> Device:
    """The one that the machine boots from; None: it has none."""
    return next((each for each in devices if isinstance(each, KINDS.VirtualDisk)), None)


def bytes_of(disk: Device) -> int:
    return int(disk.capacityInBytes or disk.capacityInKB * 1024)


def card_of(devices: Iterable[Device]) -> Device:
    return next((each for each in devices if isinstance(each, KINDS.VirtualEthernetCard)), None)


def grow(devices: Sequence[Device], size: int) -> list[Change]:
    """Disks only grow."""
    disk = disk_of(devices)
    if disk is None or bytes_of(disk) >= size:
        return []
    disk.capacityInBytes, disk.capacityInKB = size, size // 1024
    return [_change("edit", disk)]


def plug(devices: Sequence[Device], network: Any, session: Session) -> list[Change]:
    """Into the network; None: it stays where it is."""
    card = card_of(devices)
    if network is None or card is None:
        return []
    card.backing = backing(network, session)
    card.connectable = KINDS.VirtualDevice.ConnectInfo(startConnected=True, connected=True, allowGuestControl=True)
    return [_change("edit", card)]


def insert(devices: Sequence[Device], file: str) -> list[Change]:
    """An ISO file, as an IDE CD: the small kernels of cloud images have no driver for a SATA one."""
    controllers = [each for each in devices if isinstance(each, KINDS.VirtualIDEController)]
    changes: list[Change] = []
    for controller in controllers:
        used = {each.unitNumber for each in devices if each.controllerKey == controller.key}
        if free := sorted(set(range(IDE_PLACES)) - used):
            key, unit = controller.key, free[0]
            break
    else:
        if len(controllers) == IDE_PLACES:
            raise BuildError("The machine has no room for another CD.", hint="Remove one from the template.")
        key, unit = NEW - 1, 0
        changes.append(_change("add", KINDS.VirtualIDEController(key=key, busNumber=len(controllers))))
    disc = KINDS.VirtualCdrom(
        key=NEW,
        controllerKey=key,
        unitNumber=unit,
        backing=KINDS.VirtualCdrom.IsoBackingInfo(fileName=file),
        connectable=KINDS.VirtualDevice.ConnectInfo(startConnected=True, connected=True, allowGuestControl=True),
    )
    return [*changes, _change("add", disc)]


def eject(devices: Sequence[Device], file: str) -> list[Change]:
    return [_change("remove", each) for each in devices if _file(each) == file]


def backing(network: Any, session: Session) -> Any:
    card = KINDS.VirtualEthernetCard
    if isinstance(network, vim.dvs.DistributedVirtualPortgroup):
        about = session.read(network, "key", "config.distributedVirtualSwitch")
        switch = session.read(about["config.distributedVirtualSwitch"], "uuid")
        port = vim.dvs.PortConnection(portgroupKey=about["key"], switchUuid=switch["uuid"])
        return card.DistributedVirtualPortBackingInfo(port=port)
    if isinstance(network, vim.OpaqueNetwork):
        about = session.read(network, "summary")["summary"]
        kind, identity = about.opaqueNetworkType, about.opaqueNetworkId
        return card.OpaqueNetworkBackingInfo(opaqueNetworkType=kind, opaqueNetworkId=identity)
    return card.NetworkBackingInfo(deviceName=session.name_of(network), network=network)


def _change(operation: str, device: Device) -> Change:
    return KINDS.VirtualDeviceSpec(operation=operation, device=device)


def _file(device: Device) -> str:
    return str(getattr(device.backing, "fileName", ""))
