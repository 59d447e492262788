"""An account in a vCenter: who we are, what we may do, what is ours, and that it can be removed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError
from pyVmomi import vim

from builds.engine.accounts.vsphere import Vsphere
from builds.engine.errors import BuildError
from builds.engine.image import Size
from builds.engine.ledger import Resource
from builds.engine.vmware import images, machines, marks
from tests.engine.vmware.lab import Lab, account, make_ova
from tests.simulators.vsphere import VsphereSimulator

SIZE = Size(cpus=1, memory=2**28, disk=2**26)
INSTALLATION = {"slipway:installation": "lab"}


def machine(lab: Lab, renamed: str = "") -> Resource:
    """One that a killed worker left."""
    site = lab.site()
    source = site.session.by_id(vim.VirtualMachine, lab.client.template._moId)
    name = marks.fresh(lab.context)
    mine = machines.Owned(site, name, lab.book.plan("lab", "DC0", "virtual-machine", name))
    machines.clone(mine, source, lab.context, linked=False)
    if renamed:
        lab.client.wait(lab.client.one(vim.VirtualMachine, mine.name).Rename_Task(renamed))
    return mine.entry.resource


def test_the_test_says_who_we_are_and_which_version_answers(vcenter: VsphereSimulator) -> None:
    report = account(vcenter).test()
    assert vcenter.user in report.identity
    assert report.missing == ()
    assert any("vCenter" in note for note in report.notes)
    assert any("DC0" in note for note in report.notes)


def test_the_test_names_every_missing_privilege(vcenter: VsphereSimulator) -> None:
    denied = ["VApp.Export", "VirtualMachine.Interact.PowerOn"]
    vcenter.settings(denied_privileges=denied)
    assert account(vcenter).test().missing == tuple(denied)


def test_the_test_misses_the_datacenter(vcenter: VsphereSimulator) -> None:
    with pytest.raises(BuildError, match="there is no Mars; there are: DC0"):
        account(vcenter, datacenter="Mars").test()


@pytest.mark.parametrize(
    ("option", "value"), [("host", "https://vcenter"), ("host", "a b"), ("ca", "not PEM"), ("password", "")]
)
def test_wrong_options_are_refused(vcenter: VsphereSimulator, option: str, value: str) -> None:
    with pytest.raises(ValidationError):
        account(vcenter, **{option: value})


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("vc.example.com", "vc.example.com:443"),
        ("vc.example.com:8443", "vc.example.com:8443"),
        ("[fd00::1]:1", "[fd00::1]:1"),
    ],
)
def test_the_host_may_have_a_port(host: str, address: str) -> None:
    assert Vsphere(Vsphere.Options(host=host, user="u", password="p")).session().address == address


def test_only_the_password_is_secret(vcenter: VsphereSimulator) -> None:
    assert account(vcenter).secrets() == {vcenter.password}


def test_held_finds_what_no_ledger_knows_and_removes_it(lab: Lab) -> None:
    resource = machine(lab)
    assert list(lab.account.held(["DC0", "gone"], INSTALLATION)) == [("build-7", resource)]
    assert list(lab.account.held(["DC0"], {**INSTALLATION, "slipway:build": "build-8"})) == []
    assert list(lab.account.held(["DC0"], {"slipway:installation": "la"})) == []
    lab.account.remove(resource, lab.context)
    lab.account.remove(resource, lab.context)  # what is gone is no error
    assert lab.vcenter.holds_nothing()


def test_a_running_machine_is_removed_without_its_id(lab: Lab) -> None:
    resource = machine(lab)
    lab.client.wait(lab.client.one(vim.VirtualMachine, resource.name).PowerOnVM_Task())
    lab.account.remove(Resource(resource.account, resource.place, resource.kind, resource.name), lab.context)
    assert lab.vcenter.holds_nothing()


def test_somebody_s_copy_of_an_image_is_not_ours(lab: Lab) -> None:
    """It carries our marks, as every copy does."""
    source = machine(lab)
    copy = lab.client.clone("production", lab.client.one(vim.VirtualMachine, source.name))
    assert [resource for _, resource in lab.account.held(["DC0"], INSTALLATION)] == [source]
    lab.account.remove(source, lab.context)
    assert lab.client.exists(copy)


def test_a_machine_without_name_or_mark_of_ours_stays(lab: Lab) -> None:
    mistaken = Resource("lab", "DC0", "virtual-machine", "slipway.lab.build-7.00000000", lab.client.template._moId)
    with pytest.raises(BuildError, match="does not say that it was made by Slipway: it stays"):
        lab.account.remove(mistaken, lab.context)
    assert lab.client.exists(lab.client.template)


def test_a_renamed_machine_is_removed_by_its_id(lab: Lab) -> None:
    lab.account.remove(machine(lab, "renamed"), lab.context)
    assert lab.vcenter.holds_nothing()


def test_removing_waits_for_what_is_going_on(lab: Lab) -> None:
    resource = machine(lab)
    lab.vcenter.fault("Destroy_Task", "taskfault", fault="TaskInProgress")
    lab.account.remove(resource, lab.context)
    assert lab.vcenter.holds_nothing()


def test_removing_says_which_privilege_is_missing(lab: Lab) -> None:
    resource = machine(lab)
    lab.vcenter.settings(denied_privileges=["VirtualMachine.Inventory.Delete"])
    with pytest.raises(BuildError, match=r"lacks the privilege VirtualMachine\.Inventory\.Delete"):
        lab.account.remove(resource, lab.context)


def test_an_item_of_the_same_name_is_not_taken_for_ours(lab: Lab, tmp_path: Path) -> None:
    path = make_ova(tmp_path)
    site = lab.site()
    made = images.item(site, "wiki", "images", path, SIZE, lab.context)
    (ours,) = lab.book.standing()
    another = Resource("lab", "DC0", "library-item", "images/wiki slipway.lab.build-6.00000000")
    lab.account.remove(another, lab.context)
    assert lab.vcenter.held()["library_items"] == [made.reference]
    with pytest.raises(BuildError):
        images.item(site, "wiki", "images", path, SIZE, lab.context)  # the name is taken
    assert lab.vcenter.held()["library_items"] == [made.reference]
    lab.account.remove(replace(ours, reference=""), lab.context)
    assert lab.vcenter.holds_nothing()


def test_a_datacenter_that_is_gone_is_said(lab: Lab) -> None:
    with pytest.raises(BuildError, match="no datacenter Mars"):
        lab.account.remove(Resource("lab", "Mars", "virtual-machine", "slipway.x"), lab.context)
