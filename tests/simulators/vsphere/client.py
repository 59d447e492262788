"""A plain vSphere client for the simulator's own tests: pyvmomi, requests, and no more convenience than they need."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests
from pyVim import connect
from pyVim.task import WaitForTask
from pyVmomi import vim, vmodl

from tests.waiting import wait_for

from .simulator import VsphereSimulator

DISK_TYPE = "application/x-vnd.vmware-streamVmdk"


class Client:
    def __init__(self, vcenter: VsphereSimulator) -> None:
        self.vcenter = vcenter
        self.service = connect.SmartConnect(
            host=vcenter.host,
            port=vcenter.port,
            user=vcenter.user,
            pwd=vcenter.password,
            sslContext=ssl.create_default_context(cafile=str(vcenter.ca)),
        )
        self.content = self.service.content
        self.datacenter = self.content.rootFolder.childEntity[0]
        self.folder = self.datacenter.vmFolder
        self.datastore = self.datacenter.datastore[0]
        self.pool = self.one(vim.ClusterComputeResource, "DC0_C0").resourcePool
        self.template = self.one(vim.VirtualMachine, vcenter.template)

    def close(self) -> None:
        with contextlib.suppress(OSError, vmodl.MethodFault):  # the session may have ended, the server been reset
            connect.Disconnect(self.service)
        self.service._stub.DropConnections()

    def one(self, kind: type, name: str) -> Any:
        view = self.content.viewManager.CreateContainerView(self.content.rootFolder, [kind], True)
        (found,) = (entity for entity in view.view if entity.name == name)
        view.Destroy()
        return found

    def wait(self, task: vim.Task) -> Any:
        WaitForTask(task, si=self.service)
        return task.info.result

    def clone(self, name: str, source: vim.VirtualMachine | None = None, **spec: Any) -> vim.VirtualMachine:
        return self.wait(self.cloning(name, source, **spec))

    def cloning(self, name: str, source: vim.VirtualMachine | None = None, **spec: Any) -> vim.Task:
        location = vim.vm.RelocateSpec(pool=self.pool, diskMoveType=spec.pop("diskMoveType", None))
        return (source or self.template).CloneVM_Task(
            folder=self.folder, name=name, spec=vim.vm.CloneSpec(location=location, **spec)
        )

    def power_on(self, vm: vim.VirtualMachine) -> str:
        """The address that the guest reports."""
        self.wait(vm.PowerOnVM_Task())
        wait_for(lambda: vm.guest.ipAddress, 30)
        return str(vm.guest.ipAddress)

    def shut_down(self, vm: vim.VirtualMachine) -> None:
        vm.ShutdownGuest()
        wait_for(lambda: vm.runtime.powerState == "poweredOff", 30)

    def url(self, lease: vim.HttpNfcLease, wanted: Callable[[Any], bool]) -> str:
        (device,) = (device for device in lease.info.deviceUrl if wanted(device))
        return device.url.replace("*", f"{self.vcenter.host}:{self.vcenter.port}")

    def exporting(self, vm: vim.VirtualMachine) -> vim.HttpNfcLease:
        lease = vm.ExportVm()
        wait_for(lambda: lease.state == "ready", 60)
        return lease

    def export(self, vm: vim.VirtualMachine, folder: Path) -> tuple[str, Path]:
        """The descriptor and the disk."""
        lease = self.exporting(vm)
        (device,) = (device for device in lease.info.deviceUrl if device.disk)
        disk = folder / f"{vm.name}.vmdk"
        with self.get(lease) as answer:
            assert "Content-Length" not in answer.headers
            disk.write_bytes(answer.content)
        file = vim.OvfManager.OvfFile(deviceId=device.key, path=disk.name, size=disk.stat().st_size)
        params = vim.OvfManager.CreateDescriptorParams(name=vm.name, ovfFiles=[file])
        described = self.content.ovfManager.CreateDescriptor(vm, params)
        lease.HttpNfcLeaseComplete()
        return described.ovfDescriptor, disk

    def get(self, lease: vim.HttpNfcLease) -> requests.Response:
        return requests.get(self.url(lease, lambda device: device.disk), verify=self.vcenter.ca, timeout=30)

    def importing(self, name: str, descriptor: str) -> tuple[vim.HttpNfcLease, str]:
        """The lease, and the import key of the disk."""
        params = vim.OvfManager.CreateImportSpecParams(entityName=name, diskProvisioning="thin")
        spec = self.content.ovfManager.CreateImportSpec(descriptor, self.pool, self.datastore, params)
        assert not spec.error, spec.error
        lease = self.pool.ImportVApp(spec.importSpec, self.folder)
        wait_for(lambda: lease.state == "ready", 60)
        (item,) = spec.fileItem
        return lease, item.deviceId

    def post(self, lease: vim.HttpNfcLease, key: str, disk: Path) -> requests.Response:
        with disk.open("rb") as data:
            return requests.post(
                self.url(lease, lambda device: device.importKey == key),
                data=data,
                headers={"Content-Type": DISK_TYPE},
                verify=self.vcenter.ca,
                timeout=30,
            )

    def import_machine(self, name: str, descriptor: str, disk: Path) -> vim.VirtualMachine:
        lease, key = self.importing(name, descriptor)
        self.post(lease, key, disk).raise_for_status()
        vm = lease.info.entity
        lease.HttpNfcLeaseComplete()
        return vm

    def exists(self, vm: vim.VirtualMachine) -> bool:
        try:
            return bool(vm.name)
        except vmodl.fault.ManagedObjectNotFound:
            return False


def options(**values: str) -> list[vim.option.OptionValue]:
    return [
        vim.option.OptionValue(key=f"guestinfo.{key.replace('_', '.')}", value=value) for key, value in values.items()
    ]


def disk_of(vm: vim.VirtualMachine) -> vim.vm.device.VirtualDisk:
    (disk,) = (device for device in vm.config.hardware.device if isinstance(device, vim.vm.device.VirtualDisk))
    return disk
