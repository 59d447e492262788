"""Waiting for a vCenter's tasks."""

from __future__ import annotations

import threading

import pytest
from pyVmomi import vim

from builds.engine.errors import BuildError, Cancelled, WorkerError
from builds.engine.vmware import machines, tasks
from tests.engine.vmware.lab import Lab


def test_a_task_gives_its_result(lab: Lab) -> None:
    client = lab.client
    site = lab.site()
    vm = tasks.wait(site.session, client.cloning("copy"), lab.context, "Cloning")
    assert site.session.read(vm, "name") == {"name": "copy"}


def test_a_task_about_a_snapshot_can_be_waited_for(lab: Lab) -> None:
    client = lab.client
    site = lab.site()
    vm = client.clone("copy")
    asked = {"name": "s", "description": "", "memory": False, "quiesce": False}
    snapshot = tasks.wait(site.session, vm.CreateSnapshot_Task(**asked), lab.context, "The snapshot")
    tasks.wait(site.session, snapshot.RevertToSnapshot_Task(), lab.context, "Reverting")
    tasks.wait(site.session, snapshot.RemoveSnapshot_Task(removeChildren=False), lab.context, "Removing it")
    assert site.session.read(vm, "snapshot") == {}


def test_a_task_that_fails_says_what_was_done(lab: Lab) -> None:
    lab.vcenter.fault("CloneVM_Task", "taskfault", fault="InvalidState", message="not now")
    with pytest.raises(BuildError, match=r"Cloning it failed: not now \(InvalidState\)"):
        tasks.wait(lab.site().session, lab.client.cloning("copy"), lab.context, "Cloning it")


def test_cancelling_cancels_the_task_and_waits_for_its_end(lab: Lab) -> None:
    site = lab.site()
    lab.vcenter.fault("CloneVM_Task", "slow", delay_ms=60_000)
    task = lab.client.cloning("copy")
    threading.Timer(0.2, lab.context.stop.cancel).start()
    with pytest.raises(Cancelled):
        tasks.wait(site.session, task, lab.context, "Cloning")
    assert site.session.read(task, "info.state") == {"info.state": vim.TaskInfo.State.error}
    assert lab.vcenter.holds_nothing()


def test_a_machine_whose_making_nobody_heard_of_stays_in_the_ledger(lab: Lab) -> None:
    """The connection broke: it may come to be after we looked for it."""
    site = lab.site()
    source = site.session.by_id(vim.VirtualMachine, lab.client.template._moId)
    lab.vcenter.fault("CloneVM_Task", "slow", delay_ms=1500)
    lab.vcenter.fault("CloneVM_Task", "lost")

    def create(mine: machines.Owned) -> None:
        machines.clone(mine, source, lab.context, linked=False)

    with pytest.raises(WorkerError, match="CloneVM_Task"), machines.owned(site, lab.context, create):
        pass
    assert [each.kind for each in lab.book.standing()] == ["virtual-machine"]
    while not lab.vcenter.held()["vms"]:
        lab.context.wait(0.1)
    lab.sweep()
    assert lab.vcenter.holds_nothing()
