"""A whole build in a vCenter: cloned, provisioned, made into images, each of which was launched and checked."""

from __future__ import annotations

import tarfile

import pytest
from pyVmomi import vim

from builds.engine.errors import BuildError, Cancelled, WorkerError
from builds.engine.formats import ova
from builds.engine.image import Size
from builds.engine.platforms.vsphere.platform import Vsphere
from builds.engine.seed import KeyPair
from builds.engine.vmware.hardware import card_of
from tests.engine.vmware.lab import Lab
from tests.simulators.vsphere.client import disk_of

MIB = 2**20
SIZE = Size(cpus=1, memory=256 * MIB, disk=80 * MIB)


def test_a_template_and_an_ova_are_made_tested_and_all_that_is_left(lab: Lab) -> None:
    outcome = lab.build(lab.native("vsphere-template, ova"))
    assert [(each.format, each.passed) for each in outcome.verdicts] == [
        *[("vsphere-template", True)] * 2,
        *[("ova", True)] * 2,
    ]
    template = outcome.images["vsphere-template"]
    assert (template.reference, template.account, template.region) == ("/DC0/vm/acme-wiki-1.4.0-r1", "lab", "DC0")
    assert lab.vcenter.held() == {
        **{kind: [] for kind in lab.vcenter.held()},
        "templates": ["acme-wiki-1.4.0-r1"],
    }
    assert [each.reference for each in lab.book.standing()] == list(template.holds)

    names = ova.unpack(outcome.images["ova"].file, lab.out, lab.context)
    assert names == [f"acme-wiki-1.4.0{suffix}" for suffix in (".ovf", ".mf", "-disk1.vmdk")]
    ova.verify(lab.out / names[1], lab.context)
    with tarfile.open(outcome.images["ova"].file) as archive:
        assert not any(member.pax_headers for member in archive.getmembers())

    with lab.account.session() as session:
        (vm,) = (session.by_id(vim.VirtualMachine, each) for each in template.holds)
        told = session.read(vm, "config.extraConfig", "config.annotation", "snapshot.currentSnapshot")
        assert "guestinfo" not in str(told["config.extraConfig"])
        assert "build-7" in told["config.annotation"]
        assert told["snapshot.currentSnapshot"]  # linked clones start there
    lab.sweep()
    assert lab.vcenter.holds_nothing()


def test_the_image_has_what_was_provisioned_and_nothing_of_ours(lab: Lab) -> None:
    platform = lab.native().platform
    assert isinstance(platform, Vsphere)
    with platform.launch(platform.base.prepare(lab.context), SIZE, "outside", lab.context) as machine:
        key = machine.access.blob
        assert key in machine.expect("cat /root/.ssh/authorized_keys", lab.context)
        machine.put(b"made here", "/etc/made", lab.context)
        plan = lab.native("vsphere-template")
        images = platform.images(machine, plan, lab.out, lab.context)
    with platform.boot_image(images["vsphere-template"], SIZE, lab.context) as machine:
        assert machine.expect("cat /etc/made", lab.context) == "made here"
        assert machine.access.blob != key
        grep = f"grep -rlF '{key}' /root /home /etc /var /tmp"
        assert machine.expect(grep, lab.context, allowed=[0, 1]) == ""


def test_a_machine_restarts_and_answers_again(lab: Lab) -> None:
    platform = lab.native(linked="true").platform
    size = Size(cpus=1, memory=256 * MIB, disk=64 * MIB)
    with platform.launch(platform.base.prepare(lab.context), size, "outside", lab.context) as machine:
        machine.expect("touch /run/before && echo kept > /root/kept", lab.context)
        machine.reboot(lab.context)
        assert machine.expect("cat /root/kept; ls /run", lab.context).split()[0] == "kept"
        assert "before" not in machine.expect("ls /run", lab.context).split()
        assert "VMware Tools run" in machine.console_text()
    assert lab.vcenter.holds_nothing()


def test_everything_that_is_missing_is_found_before_anything_is_started(lab: Lab) -> None:
    lab.vcenter.settings(free_space=MIB)
    taken = lab.native("{vsphere-template: {name: debian-12-template}}")
    with pytest.raises(BuildError) as raised:
        lab.build(taken)
    assert "the name debian-12-template is taken in DC0/vm" in raised.value.message
    assert "`datastore`: LocalDS_0 has 0.0 GiB left" in raised.value.message

    wrong = lab.plan(
        "size: {cpus: 1, memory: 256M, disk: 64M}\n"
        "network: none\n"
        "platforms:\n"
        "  vsphere:\n"
        "    template: no-such\n"
        "    cluster: DC0_C0\n"
        "    formats: [{vsphere-template: {library: no-such-library}}]\n"
    )
    with pytest.raises(BuildError) as raised:
        lab.build(wrong)
    for problem in ("no machine or template no-such", "`network: none` is not possible", "library no-such-library"):
        assert problem in raised.value.message

    lost = {"network": "nowhere", "datastore": "full", "folder": "a/b", "resource_pool": "teams"}
    with pytest.raises(BuildError) as raised:
        lab.build(lab.native(**lost))
    for option, name in lost.items():
        assert f"`{option}`: there is no" in raised.value.message
        assert name in raised.value.message
    assert lab.book.entries == []
    assert lab.vcenter.holds_nothing()


def test_a_disk_does_not_shrink_and_a_linked_clone_keeps_its_size(lab: Lab) -> None:
    client = lab.client
    large = client.clone("large")
    disk = disk_of(large)
    disk.capacityInKB = 128 * 1024
    change = vim.vm.device.VirtualDeviceSpec(operation="edit", device=disk)
    client.wait(large.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))
    with pytest.raises(BuildError, match="the template's disk has 128 MiB, and disks only grow"):
        lab.build(lab.native(template="large"))
    with pytest.raises(BuildError, match="the template's disk has 64 MiB, and a linked clone keeps it"):
        lab.build(lab.native(linked="true"))


def test_a_guest_without_vmware_tools_is_told_to_install_them(lab: Lab) -> None:
    lab.vcenter.settings(guest_tools=False)
    with pytest.raises(BuildError) as raised:
        lab.build(lab.native(ip_timeout="2s"))
    assert "no address after 2 s: VMware Tools" in raised.value.message
    assert "open-vm-tools" in raised.value.hint
    assert lab.vcenter.holds_nothing()


def test_a_guest_with_tools_but_without_an_address_points_to_the_network(lab: Lab) -> None:
    lab.vcenter.settings(guest_ip=False)
    with pytest.raises(BuildError, match="VMware Tools run") as raised:
        lab.build(lab.native(ip_timeout="6s"))
    assert "DHCP" in raised.value.hint
    assert lab.vcenter.holds_nothing()


@pytest.mark.parametrize(
    ("method", "fault", "said"),
    [
        ("CloneVM_Task", "NoDiskSpace", "Cloning debian-12-template failed: the datastore LocalDS_0 is full"),
        ("CloneVM_Task", "DuplicateName", "Cloning debian-12-template failed: the name debian-12-template is taken"),
        ("PowerOnVM_Task", "InsufficientResourcesFault", "Switching the machine on failed"),
        ("ReconfigVM_Task", "TaskInProgress", "another task works on the same object"),
    ],
)
def test_a_task_that_fails_is_explained_and_leaves_nothing(lab: Lab, method: str, fault: str, said: str) -> None:
    lab.vcenter.fault(method, "taskfault", fault=fault)
    with pytest.raises(BuildError) as raised:
        lab.build(lab.native())
    assert said in raised.value.message
    assert lab.vcenter.holds_nothing()
    assert lab.book.standing() == []


@pytest.mark.parametrize(
    ("method", "mode"),
    [("CloneVM_Task", "drop"), ("CloneVM_Task", "lost"), ("PowerOnVM_Task", "drop"), ("PowerOnVM_Task", "http503")],
)
def test_a_connection_that_breaks_is_no_check_that_failed_and_leaves_nothing(lab: Lab, method: str, mode: str) -> None:
    lab.vcenter.fault(method, mode)
    with pytest.raises(WorkerError, match=f"does not answer when it was asked for {method}"):
        lab.build(lab.native())
    lab.sweep()
    assert lab.vcenter.holds_nothing()


def test_a_missing_privilege_is_named_with_its_object(lab: Lab) -> None:
    lab.vcenter.settings(denied_privileges=["VirtualMachine.Provisioning.DeployTemplate"])
    with pytest.raises(BuildError) as raised:
        lab.build(lab.native())
    lacks = "lacks the privilege VirtualMachine.Provisioning.DeployTemplate on debian-12-template"
    assert lacks in raised.value.message
    assert lab.vcenter.holds_nothing()


def test_a_session_that_ends_in_the_middle_is_renewed(lab: Lab) -> None:
    platform = lab.native().platform
    with platform.launch(platform.base.prepare(lab.context), SIZE, "outside", lab.context) as machine:
        lab.vcenter.end_sessions()
        images = platform.images(machine, lab.native("ova"), lab.out, lab.context)
    assert images["ova"].file.exists()
    assert lab.vcenter.holds_nothing()


def test_a_cancelled_clone_is_cancelled_in_the_vcenter_too(lab: Lab) -> None:
    lab.vcenter.fault("CloneVM_Task", "slow", delay_ms=60_000)
    lab.book.told = lambda *_: lab.context.stop.cancel()
    with pytest.raises(Cancelled):
        lab.build(lab.native())
    assert lab.vcenter.holds_nothing()


def test_a_template_whose_name_was_taken_meanwhile_is_no_image(lab: Lab) -> None:
    lab.vcenter.fault("Rename_Task", "taskfault", fault="DuplicateName")
    with pytest.raises(BuildError, match=r"Making the template .* failed: the name"):
        lab.build(lab.native())
    assert lab.vcenter.holds_nothing()
    assert lab.book.standing() == []


def test_a_template_that_knows_a_key_of_its_owner_is_opened_with_that_key(lab: Lab) -> None:
    """Through a user who may become root; the key stays in the image, since it was in the template."""
    owner = KeyPair.generate()
    platform = lab.native().platform
    with platform.launch(platform.base.prepare(lab.context), SIZE, "outside", lab.context) as machine:
        machine.put(owner.public.encode() + b"\n", "/home/admin/.ssh/authorized_keys", lab.context)
        machine.expect("chown -R admin /home/admin && chmod 700 /home/admin/.ssh", lab.context)
        platform.images(machine, lab.native(), lab.out, lab.context)

    text = (
        "size: {cpus: 1, memory: 256M, disk: 80M}\n"
        "variables: {key: {secret: true}}\n"
        "platforms:\n"
        "  vsphere:\n"
        "    template: acme-wiki-1.4.0-r1\n"
        "    cluster: DC0_C0\n"
        "    ssh_user: admin\n"
        '    ssh_private_key: "{{ key }}"\n'
        "    formats: [vsphere-template: {name: second}]\n"
    )
    values = {"key": owner.private}
    outcome = lab.build(lab.plan(text, values=values), variables=values, secrets=frozenset(values))
    assert [verdict.passed for verdict in outcome.verdicts] == [True]
    assert sorted(lab.vcenter.held()["templates"]) == ["acme-wiki-1.4.0-r1", "second"]
    assert all("slipway-seed" not in each.name for each in lab.book.standing())


def test_a_machine_without_the_internet_is_plugged_into_the_isolated_network(lab: Lab) -> None:
    platform = lab.native(isolated_network="DC0_DVPG0").platform
    with platform.launch(platform.base.prepare(lab.context), SIZE, "none", lab.context) as machine:
        devices = machine.mine.read("config.hardware.device")["config.hardware.device"]
        assert card_of(devices).backing.port.portgroupKey


def test_a_template_goes_into_a_content_library(lab: Lab) -> None:
    outcome = lab.build(lab.native("{vsphere-template: {library: images, name: wiki}}"))
    assert outcome.images["vsphere-template"].reference == "images/wiki"
    assert [verdict.passed for verdict in outcome.verdicts] == [True, True]
    assert lab.vcenter.held()["library_items"] == ["images/wiki"]
    assert lab.vcenter.held()["vms"] == lab.vcenter.held()["templates"] == []
