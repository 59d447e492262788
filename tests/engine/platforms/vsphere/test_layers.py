"""A machine's state as a machine that is off, from which the next build goes on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pyVmomi import vim

from builds.engine.console import Recorder
from builds.engine.layers import TAG, Layer
from builds.engine.layers.stages import stages
from builds.engine.plan import Plan
from builds.engine.provisioning import provisioned
from builds.engine.vmware import marks
from tests.engine.shelf import Builds, Shelf
from tests.engine.vmware.lab import Lab

MIB = 2**20
TEMPLATE = """\
size: {cpus: 1, memory: 256M, disk: 80M}
platforms:
  vsphere: {cluster: DC0_C0, template: debian-12-template, formats: [FORMAT]}
provisioners:
  - shell: {inline: "cat /proc/sys/kernel/random/uuid > /root/made", cache: CACHE}
  - shell: {inline: "echo LAST"}
"""
FIRST = "1. shell: cat /proc/sys/kernel/random/uuid > /root/made"
KEYS = "cat /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys 2>/dev/null || true"


def plan_of(lab: Lab, cache: str = "true", last: str = "done", format: str = "vsphere-template") -> Plan:
    return lab.plan(TEMPLATE.replace("CACHE", cache).replace("LAST", last).replace("FORMAT", format))


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def build(lab: Lab, shelf: Shelf) -> Builds:
    return Builds(lab.context, shelf)


def test_the_next_machine_goes_on_from_a_marked_provisioner(lab: Lab, build: Builds, shelf: Shelf) -> None:
    assert build(plan_of(lab)).reused_steps == []
    assert shelf.titles == [f"after {FIRST}"]
    ((key, layer),) = shelf.layers.items()
    name = layer.details["reference"]
    held = {kind: names for kind, names in lab.vcenter.held().items() if names}
    assert held == {"vms": [name]}  # off, and without the disc of its login
    assert marks.build_of(name, "lab") == "build-7"
    assert [each.reference for each in lab.book.standing()] == list(layer.holds)
    with lab.account.session() as session:
        told = session.read(session.by_id(vim.VirtualMachine, layer.holds[0]), "config", "snapshot")
    assert "guestinfo" not in str(told["config"].extraConfig)
    assert "slipway-seed" not in str(told["config"].hardware.device)
    assert key in told["config"].annotation
    assert told["snapshot"].currentSnapshot  # linked clones start there

    second = build(plan_of(lab, last="again"))
    assert second.reused_steps == [FIRST]
    assert FIRST not in second.steps
    assert len(set(build.made)) == 1  # it was not made again
    assert lab.vcenter.held()["vms"] == [name]
    lab.sweep()
    assert lab.vcenter.holds_nothing()


def test_nothing_is_kept_that_the_template_does_not_mark_and_that_takes_no_minute(
    lab: Lab, build: Builds, shelf: Shelf
) -> None:
    build(plan_of(lab, cache="null"))
    assert shelf.titles == []
    assert lab.vcenter.holds_nothing()


def test_a_template_that_was_changed_has_other_layers_and_one_that_runs_none(lab: Lab, build: Builds) -> None:
    source = lab.client.clone("source")
    plan = lab.plan(TEMPLATE.replace("debian-12-template", "source").replace("FORMAT", "ova").replace("CACHE", "true"))

    def keys() -> list[str]:
        return [each.key for each in stages(plan, plan.base.prepare(build.context), build.context)]

    before = keys()
    assert before == keys()
    lab.client.wait(source.ReconfigVM_Task(vim.vm.ConfigSpec(annotation="another")))
    assert set(keys()).isdisjoint(before)
    lab.client.power_on(source)
    assert keys() == []


def test_a_machine_that_is_gone_is_dropped_and_the_template_is_cloned(lab: Lab, build: Builds, shelf: Shelf) -> None:
    plan = plan_of(lab)
    key = stages(plan, plan.base.prepare(build.context), build.context)[1].key
    shelf.layers[key] = Layer(key, {"reference": "slipway.lab.build-1.layer-0", "login": ""}, holds=("vm-999",))
    console = build(plan)
    assert shelf.dropped == ["slipway.lab.build-1.layer-0"]
    assert "A layer is dropped: There is no machine slipway.lab.build-1.layer-0 any more" in console.text
    assert console.reused_steps == []
    assert key in shelf.layers  # there is a new one


def test_machines_of_one_layer_are_no_twins_and_keep_nobody_of_before(lab: Lab) -> None:
    """Linked clones, since no template is asked for."""
    plan = plan_of(lab, format="ova")
    platform: Any = plan.platform
    context = replace(lab.context, tags={**lab.context.tags, TAG: "k" * 64})
    base = plan.base.prepare(context)
    with platform.launch(base, plan.size, "outside", context) as machine:
        former, host = machine.access.blob, machine.host_key
        machine.expect("mkdir -p /var/lib/dhcp && echo 0123456789abcdef > /etc/machine-id", context)
        machine.expect("echo lease > /var/lib/dhcp/dhclient.leases; echo kept > /root/kept", context)
        details = platform.save(machine, context.work, None, context)
        assert machine.host_key == host  # it goes on, after a restart
        assert machine.expect("cat /root/kept", context) == "kept\n"
        assert former in machine.expect(KEYS, context)
    layer = Layer("k" * 64, details, holds=tuple(details["holds"]))
    with (
        platform.resume(layer, base, plan.size, "outside", context) as one,
        platform.resume(layer, base, plan.size, "outside", context) as other,
    ):
        assert len({one.access.blob, other.access.blob, former}) == 3
        assert len({one.host_key, other.host_key, host}) == 3
        for each in (one, other):
            keys = each.expect(KEYS, context)
            assert each.access.blob in keys
            assert former not in keys
            assert "0123456789abcdef" not in each.expect("cat /etc/machine-id 2>/dev/null || true", context)
            assert each.expect("ls /var/lib/dhcp; cat /root/kept", context) == "kept\n"


def test_a_copy_that_cannot_be_made_costs_the_build_nothing(lab: Lab, shelf: Shelf) -> None:
    plan = plan_of(lab)

    class Mean(Recorder):
        def step(self, title: str) -> Any:
            if title == FIRST:  # the machine is there
                lab.vcenter.fault("CreateSnapshot_Task", "taskfault", fault="NoDiskSpace")
            return super().step(title)

    console = Mean()
    context = replace(lab.context, layers=shelf, console=console)
    with provisioned(plan, plan.base.prepare(context), context) as machine:
        assert machine.expect("cat /root/made", context)
    assert "The machine's state is not kept" in console.text
    assert "is full" in console.text
    assert shelf.layers == {}
    assert lab.vcenter.holds_nothing()
    assert lab.book.standing() == []
