"""A virtual machine is a machine: it boots from its disk, knows who it is, and keeps what was written."""

from __future__ import annotations

import base64
import gzip
import socket
import ssl
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519
from pyVim import connect
from pyVim.task import WaitForTask
from pyVmomi import vim

from builds.engine.formats import ovf
from builds.engine.image import Size
from tests.simulators.login import login, new_key, public, run
from tests.waiting import wait_for

from .client import Client, disk_of, options

KEY = new_key()
PROJECT = Path(__file__).parents[3]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def introduced(userdata: str, metadata: str = "instance-id: iid-1\nlocal-hostname: built\n") -> vim.vm.ConfigSpec:
    """The options by which a client introduces a machine to itself."""
    given = options(metadata=encoded(metadata), metadata_encoding="base64")
    return vim.vm.ConfigSpec(
        extraConfig=[*given, *options(userdata=encoded(userdata), userdata_encoding="base64")],
    )


def with_key(key: paramiko.PKey) -> vim.vm.ConfigSpec:
    return introduced(f"#cloud-config\nssh_authorized_keys:\n- {public(key)}\n")


def test_what_was_written_survives_export_and_import(client: Client, tmp_path: Path) -> None:
    vm = client.clone("build", config=with_key(KEY))
    with login(client.power_on(vm), KEY) as shell:
        assert run(shell, "hostname") == "built"
        run(shell, "sudo sh -c 'echo made here > /root/note'")
    client.shut_down(vm)
    assert not vm.guest.ipAddress

    descriptor, disk = client.export(vm, tmp_path)
    read = ovf.read(descriptor)
    assert (read.disk, read.controller, read.nic) == (disk.name, "VirtualSCSI", "VmxNet3")
    archive = tmp_path / "build.ova"
    (tmp_path / "build.ovf").write_text(descriptor)
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("build.ovf", disk.name):
            tar.add(tmp_path / name, name)
    client.wait(vm.Destroy_Task())
    assert client.vcenter.holds_nothing()

    (tmp_path / "again").mkdir()
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "again", filter="data")
    again = client.import_machine("again", descriptor, tmp_path / "again" / disk.name)
    with login(client.power_on(again), KEY) as shell:
        assert run(shell, "sudo cat /root/note") == "made here"


def test_a_clone_answers_with_the_host_key_that_its_userdata_gives(client: Client) -> None:
    private = ed25519.Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode()
    public_key = private.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    indented = pem.strip().replace("\n", "\n    ")
    userdata = (
        "#cloud-config\n"
        f"users:\n- name: root\n  ssh_authorized_keys: ['{public(KEY)}']\n"
        f"ssh_keys:\n  ed25519_private: |\n    {indented}\n"
    )
    packed = base64.b64encode(gzip.compress(userdata.encode())).decode()
    given = options(userdata=packed, userdata_encoding="gzip+base64")
    vm = client.clone("pinned", config=vim.vm.ConfigSpec(extraConfig=given))
    with login(client.power_on(vm), KEY, user="root") as shell:
        answered = shell.get_transport().get_remote_server_key()
    assert public(answered).encode() == public_key


def test_a_power_off_from_inside_is_seen(client: Client) -> None:
    vm = client.clone("ends", config=with_key(KEY), powerOn=True)
    wait_for(lambda: vm.guest.ipAddress, 30)
    with login(vm.guest.ipAddress, KEY) as shell:
        shell.exec_command("sudo poweroff")
        wait_for(lambda: vm.runtime.powerState == "poweredOff", 30)
    assert vm.guest.toolsRunningStatus == "guestToolsNotRunning"


@pytest.mark.parametrize("again", [vim.VirtualMachine.RebootGuest, vim.VirtualMachine.ResetVM_Task])
def test_a_restarted_machine_boots_again_and_stays_on(client: Client, again: Callable[..., object]) -> None:
    vm = client.clone("again", config=with_key(KEY))
    with login(client.power_on(vm), KEY) as shell:
        run(shell, "sudo touch /run/before")
        again(vm)
        wait_for(lambda: not vm.guest.ipAddress, 30)
    assert vm.runtime.powerState == "poweredOn"
    wait_for(lambda: vm.guest.ipAddress, 30)
    with login(vm.guest.ipAddress, KEY) as shell:
        assert "before" not in run(shell, "ls /run").split()


def test_power_off_pulls_the_plug(client: Client) -> None:
    vm = client.clone("killed", powerOn=True)
    assert client.vcenter.held()["machines"] == ["killed"]
    client.wait(vm.PowerOffVM_Task())
    assert vm.runtime.powerState == "poweredOff"
    assert client.vcenter.held()["machines"] == []
    client.wait(vm.Destroy_Task())


def test_a_machine_without_a_system_on_its_disk_stays_on_and_says_nothing(client: Client, tmp_path: Path) -> None:
    descriptor = ovf.describe("empty-1", Size(cpus=1, memory=2**26, disk=2**24), 2**24, "empty.vmdk")
    lease, _ = client.importing("empty", descriptor)
    vm = lease.info.entity
    lease.HttpNfcLeaseComplete()
    client.wait(vm.PowerOnVM_Task())
    wait_for(lambda: client.vcenter.held()["machines"] == [])
    assert vm.runtime.powerState == "poweredOn"
    with pytest.raises(vim.fault.ToolsUnavailable):
        vm.ShutdownGuest()


def test_a_guest_without_tools_or_address_boots_all_the_same(client: Client) -> None:
    client.vcenter.settings(guest_ip=False)
    vm = client.clone("mute", powerOn=True)
    wait_for(lambda: vm.guest.toolsRunningStatus == "guestToolsRunning", 30)
    assert not vm.guest.ipAddress


def test_a_linked_clone_starts_from_the_snapshot(client: Client) -> None:
    vm = client.clone("layers", config=with_key(KEY))
    with login(client.power_on(vm), KEY) as shell:
        run(shell, "sudo touch /root/first")
    client.shut_down(vm)
    snapshot = client.wait(vm.CreateSnapshot_Task(name="first", description="", memory=False, quiesce=False))
    with login(client.power_on(vm), KEY) as shell:
        run(shell, "sudo touch /root/second")
    client.shut_down(vm)

    linked = client.clone("linked", vm, diskMoveType="createNewChildDiskBacking", snapshot=snapshot)
    with login(client.power_on(linked), KEY) as shell:
        assert run(shell, "sudo ls /root").split() == ["first"]
    client.wait(snapshot.RevertToSnapshot_Task())
    with login(client.power_on(vm), KEY) as shell:
        assert run(shell, "sudo ls /root").split() == ["first"]
    client.wait(vm.PowerOffVM_Task())
    client.wait(snapshot.RemoveSnapshot_Task(removeChildren=False))
    assert vm.snapshot is None


def test_a_disk_that_grew_is_larger_in_the_guest(client: Client) -> None:
    vm = client.clone("grown", config=with_key(KEY))
    disk = disk_of(vm)
    disk.capacityInKB = 128 * 1024
    change = vim.vm.device.VirtualDeviceSpec(operation="edit", device=disk)
    client.wait(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))
    assert disk_of(vm).capacityInBytes == 128 * 2**20
    disk.capacityInKB = disk.capacityInBytes = 64 * 1024
    with pytest.raises(vim.fault.InvalidDeviceOperation):
        client.wait(vm.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[change])))


@pytest.mark.vsphere
def test_killed_with_what_started_it_it_leaves_no_machine(tmp_path: Path) -> None:
    program = subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.vsphere", "--folder", tmp_path / "vcenter"],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    with program:
        said = dict(program.stdout.readline().split() for _ in range(5))
        context = ssl.create_default_context(cafile=said["ca"])
        port = int(said["url"].rpartition(":")[2])
        service = connect.SmartConnect(
            host="127.0.0.1", port=port, user=said["user"], pwd=said["password"], sslContext=context
        )
        (vm,) = (vm for vm in service.content.rootFolder.childEntity[0].vmFolder.childEntity)
        pool = service.content.rootFolder.childEntity[0].hostFolder.childEntity[0].resourcePool
        spec = vim.vm.CloneSpec(location=vim.vm.RelocateSpec(pool=pool), powerOn=True)
        WaitForTask(vm.CloneVM_Task(vm.parent, "orphan", spec), si=service)
        service._stub.DropConnections()
        (disk,) = tmp_path.glob("vcenter/govcsim-*/orphan/*-flat.vmdk")
        wait_for(lambda: attached(disk), 30)
        program.kill()
    wait_for(lambda: not attached(disk))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


AGAIN = """
import pathlib, sys, time
from tests.simulators import disks
from tests.simulators.vsphere import VsphereSimulator
with VsphereSimulator(pathlib.Path(sys.argv[1]), disk=disks.tiny()) as vcenter:
    vcenter.reset()
    print(vcenter.port, flush=True)
    time.sleep(60)
"""


@pytest.mark.vsphere
def test_after_a_reset_it_still_dies_with_what_started_it(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", AGAIN, tmp_path / "vcenter"]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as program:
        port = int(program.stdout.readline())
        socket.create_connection(("127.0.0.1", port)).close()
        program.kill()

    def gone() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) != 0

    wait_for(gone)


def attached(disk: Path) -> bool:
    return bool(subprocess.run(["losetup", "--associated", disk], check=True, capture_output=True).stdout)
