"""Names, copies, options, space and permissions, as a vCenter has them."""

from __future__ import annotations

import contextlib

import pytest
from pyVmomi import vim, vmodl

from tests.waiting import wait_for

from .client import Client, disk_of, options

NO_WAIT = vmodl.query.PropertyCollector.WaitOptions(maxWaitSeconds=0)


def files(client: Client) -> list[str]:
    """Every disk that lies on the datastore."""
    return sorted(path.name for path in client.vcenter.folder.glob("govcsim-*/*/*-flat.vmdk"))


def option(vm: vim.VirtualMachine, key: str) -> str | None:
    return next((option.value for option in vm.config.extraConfig if option.key == key), None)


def test_it_starts_with_a_template_and_holds_nothing_else(client: Client) -> None:
    assert client.content.about.apiVersion.startswith("8.0.")
    assert client.template.config.template
    assert [tree.name for tree in client.template.snapshot.rootSnapshotList] == ["base"]
    assert client.vcenter.holds_nothing()


def test_a_clone_has_its_own_disk_and_what_was_asked_for(client: Client) -> None:
    config = vim.vm.ConfigSpec(numCPUs=2, memoryMB=256, annotation="a build", extraConfig=options(note="x"))
    vm = client.clone("own", config=config)
    assert (vm.config.hardware.numCPU, vm.config.hardware.memoryMB, vm.config.annotation) == (2, 256, "a build")
    assert disk_of(vm).backing.fileName == "[LocalDS_0] own/own.vmdk"
    assert disk_of(client.template).backing.fileName == "[LocalDS_0] debian-12-template/debian-12-template.vmdk"
    assert files(client) == ["debian-12-template-flat.vmdk", "own-flat.vmdk"]
    client.wait(vm.Destroy_Task())
    assert files(client) == ["debian-12-template-flat.vmdk"]


def test_an_option_is_replaced_and_an_empty_one_removed(client: Client) -> None:
    vm = client.clone("options", config=vim.vm.ConfigSpec(extraConfig=options(a="1", b="1")))
    client.wait(vm.ReconfigVM_Task(vim.vm.ConfigSpec(extraConfig=options(a="2", b=""))))
    assert (option(vm, "guestinfo.a"), option(vm, "guestinfo.b")) == ("2", None)
    assert [one.key for one in vm.config.extraConfig].count("guestinfo.a") == 1


def test_no_name_is_given_twice(client: Client) -> None:
    vm = client.clone("taken")
    with pytest.raises(vim.fault.DuplicateName) as refused:
        client.clone("taken")
    assert refused.value.name == "taken"
    other = client.clone("other")
    with pytest.raises(vim.fault.DuplicateName):
        client.wait(other.Rename_Task("taken"))
    files = vim.vm.FileInfo(vmPathName="[LocalDS_0]")
    with pytest.raises(vim.fault.DuplicateName):
        client.wait(client.folder.CreateVM_Task(vim.vm.ConfigSpec(name=vm.name, files=files), client.pool))
    assert sorted(client.vcenter.held()["vms"]) == ["other", "taken"]


def test_a_linked_clone_needs_a_snapshot(client: Client) -> None:
    vm = client.clone("no snapshot")
    with pytest.raises(vmodl.fault.InvalidArgument, match="needs a snapshot"):
        client.clone("linked", vm, diskMoveType="createNewChildDiskBacking")
    assert client.clone("linked", diskMoveType="createNewChildDiskBacking").name == "linked"


def test_a_full_datastore_takes_no_clone(client: Client) -> None:
    client.vcenter.settings(free_space=2**20)
    assert client.datastore.summary.freeSpace == 2**20
    with pytest.raises(vim.fault.NoDiskSpace):
        client.clone("large")
    client.vcenter.settings(free_space=None)
    assert client.datastore.summary.freeSpace > 2**20
    client.clone("large")


def test_a_missing_permission_is_named_and_missed(client: Client) -> None:
    denied, granted = "VirtualMachine.Provisioning.DeployTemplate", "VirtualMachine.Interact.PowerOn"
    client.vcenter.settings(denied_privileges=[denied])
    session = client.content.sessionManager.currentSession.key
    (answer,) = client.content.authorizationManager.HasPrivilegeOnEntities([client.folder], session, [denied, granted])
    assert {one.privId: one.isGranted for one in answer.privAvailability} == {denied: False, granted: True}
    with pytest.raises(vim.fault.NoPermission) as refused:
        client.clone("forbidden")
    assert refused.value.privilegeId == denied


def test_a_clone_that_is_cancelled_leaves_nothing(client: Client) -> None:
    client.vcenter.fault("CloneVM_Task", "slow", delay_ms=60_000)
    task = client.cloning("cancelled")
    assert task.info.state == "running"
    task.CancelTask()
    wait_for(lambda: task.info.state == "error")
    assert task.info.cancelled
    assert client.vcenter.holds_nothing()


def test_a_wait_tells_what_came_changed_and_went_since_the_last(client: Client) -> None:
    collector = client.content.propertyCollector
    view = client.content.viewManager.CreateContainerView(client.folder, [vim.VirtualMachine], True)
    path = vmodl.query.PropertyCollector.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)
    which = vmodl.query.PropertyCollector.ObjectSpec(obj=view, skip=True, selectSet=[path])
    what = vmodl.query.PropertyCollector.PropertySpec(type=vim.VirtualMachine, pathSet=["name"])
    spec = vmodl.query.PropertyCollector.FilterSpec(objectSet=[which], propSet=[what])
    with contextlib.closing(Client(client.vcenter)) as other:
        waiting = collector.CreateFilter(spec, partialUpdates=True)
        vm = other.clone("first")
        other.wait(vm.Rename_Task("second"))
        now = collector.WaitForUpdatesEx("", None)
        assert told(now) == {("enter", "debian-12-template"), ("enter", "second")}
        assert collector.WaitForUpdatesEx(now.version, NO_WAIT) is None
        other.wait(vm.Rename_Task("third"))
        now = collector.WaitForUpdatesEx(now.version, None)
        assert told(now) == {("modify", "third")}
        other.wait(vm.Destroy_Task())
        now = collector.WaitForUpdatesEx(now.version, None)
        assert told(now) == {("leave", None)}
        waiting.Destroy()


def told(updates: vmodl.query.PropertyCollector.UpdateSet) -> set[tuple[str, str | None]]:
    (only,) = updates.filterSet
    return {(one.kind, one.changeSet[0].val if one.changeSet else None) for one in only.objectSet}


def test_what_was_made_is_held_until_a_reset(client: Client) -> None:
    client.clone("a machine", powerOn=True)
    client.clone("a template", template=True)
    client.folder.CreateFolder("a folder")
    held = client.vcenter.held()
    assert (held["vms"], held["templates"], held["folders"]) == (["a machine"], ["a template"], ["a folder"])
    assert held["machines"] == ["a machine"]
    client.vcenter.reset()
    assert client.vcenter.holds_nothing()
    assert files(client) == ["debian-12-template-flat.vmdk"]
