"""What is changed in a machine's virtual devices."""

from __future__ import annotations

import pytest
from pyVmomi import vim

from builds.engine.errors import BuildError
from builds.engine.vmware.hardware import eject, grow, insert

KINDS = vim.vm.device
ISO = "[store] machine/seed.iso"
MIB = 2**20


def ide(key: int, *units: int) -> list[KINDS.VirtualDevice]:
    """A controller with CDs at these places."""
    discs = [KINDS.VirtualCdrom(key=key * 10 + unit, controllerKey=key, unitNumber=unit) for unit in units]
    return [KINDS.VirtualIDEController(key=key, busNumber=key % 2), *discs]


@pytest.mark.parametrize(
    ("devices", "controller", "unit"),
    [(ide(200), 200, 0), (ide(200, 0), 200, 1), (ide(200, 0, 1) + ide(201, 1), 201, 0)],
)
def test_a_disc_goes_to_the_first_free_place(devices: list, controller: int, unit: int) -> None:
    (change,) = insert(devices, ISO)
    assert (change.operation, change.device.controllerKey, change.device.unitNumber) == ("add", controller, unit)
    assert change.device.backing.fileName == ISO


def test_a_disc_brings_a_controller_where_there_is_none() -> None:
    controller, disc = insert([], ISO)
    assert isinstance(controller.device, KINDS.VirtualIDEController)
    assert disc.device.controllerKey == controller.device.key


def test_a_machine_full_of_discs_takes_no_more() -> None:
    with pytest.raises(BuildError, match="no room for another CD"):
        insert(ide(200, 0, 1) + ide(201, 0, 1), ISO)


def test_only_our_disc_is_ejected() -> None:
    ours, theirs = insert([], ISO)[1].device, insert([], "[store] their.iso")[1].device
    (change,) = eject([ours, theirs], ISO)
    assert (change.operation, change.device) == ("remove", ours)


def test_disks_grow_and_never_shrink() -> None:
    disk = KINDS.VirtualDisk(key=2000, capacityInKB=64 * 1024, capacityInBytes=64 * MIB)
    assert grow([disk], 64 * MIB) == grow([disk], 32 * MIB) == grow([], MIB) == []
    (change,) = grow([disk], 128 * MIB)
    assert (change.operation, change.device.capacityInBytes) == ("edit", 128 * MIB)
