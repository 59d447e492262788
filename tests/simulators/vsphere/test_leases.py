"""Downloads and uploads through leases, to their good and bad ends."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import requests
from pyVmomi import vim, vmodl

from builds.engine.formats import ovf
from builds.engine.image import Size
from tests.simulators import disks
from tests.waiting import wait_for

from .client import Client

DESCRIPTOR = ovf.describe("wiki-1", Size(cpus=1, memory=2**26, disk=2**26), 2**26, "wiki-disk1.vmdk")


def test_a_download_has_the_sums_of_the_manifest(client: Client) -> None:
    lease = client.exporting(client.template)
    with client.get(lease) as answer:
        data = answer.content
    (entry,) = (entry for entry in lease.HttpNfcLeaseGetManifest() if entry.disk)
    assert (entry.size, entry.sha1) == (len(data), hashlib.sha1(data).hexdigest())  # noqa: S324
    assert data[:4] == b"KDMV"
    assert sorted(device.disk for device in lease.info.deviceUrl) == [False, True]
    lease.HttpNfcLeaseComplete()
    assert client.vcenter.holds_nothing()


def test_a_machine_that_is_on_cannot_be_exported(client: Client) -> None:
    vm = client.clone("on", powerOn=True)
    with pytest.raises(vim.fault.InvalidPowerState):
        vm.ExportVm()


def test_an_upload_becomes_the_machine_s_disk(client: Client, tmp_path: Path) -> None:
    _, disk = client.export(client.template, tmp_path)
    vm = client.import_machine("uploaded", DESCRIPTOR, disk)
    (content,) = client.vcenter.folder.glob("govcsim-*/uploaded/*-flat.vmdk")
    assert content.read_bytes() == disks.tiny().read_bytes()
    assert vm.config.hardware.memoryMB == 64


def test_an_aborted_lease_takes_the_machine_with_it(client: Client) -> None:
    lease, _ = client.importing("aborted", DESCRIPTOR)
    vm = lease.info.entity
    assert client.vcenter.held()["leases"] == ["aborted"]
    lease.HttpNfcLeaseAbort()
    assert not client.exists(vm)
    assert client.vcenter.holds_nothing()


def test_what_is_no_disk_ends_the_lease(client: Client, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.vmdk"
    garbage.write_bytes(b"garbage" * 1000)
    lease, key = client.importing("garbage", DESCRIPTOR)
    assert client.post(lease, key, garbage).status_code == requests.codes.server_error
    assert lease.state == "error"
    assert client.vcenter.holds_nothing()


def test_a_lease_dies_in_the_middle_of_an_upload(client: Client, tmp_path: Path) -> None:
    _, disk = client.export(client.template, tmp_path)
    client.vcenter.fault("nfc.upload", "lease", after_bytes=65536)
    lease, key = client.importing("dies", DESCRIPTOR)
    with pytest.raises(requests.ConnectionError):
        client.post(lease, key, disk)
    assert lease.state == "error"
    with pytest.raises(vim.fault.InvalidState):
        lease.HttpNfcLeaseProgress(50)
    assert client.vcenter.holds_nothing()


def test_a_download_breaks_off_and_works_the_next_time(client: Client) -> None:
    client.vcenter.fault("nfc.download", "drop", after_bytes=65536)
    lease = client.exporting(client.template)
    with pytest.raises(requests.RequestException):
        client.get(lease)
    with client.get(lease) as answer:
        assert len(answer.content) > 65536


def test_a_lease_without_progress_times_out(client: Client) -> None:
    client.vcenter.settings(lease_timeout=0.2)
    lease, _ = client.importing("forgotten", DESCRIPTOR)
    wait_for(lambda: lease.state == "error")
    assert isinstance(lease.error, vim.fault.Timedout)
    wait_for(client.vcenter.holds_nothing)


def test_a_name_in_use_and_a_descriptor_that_is_none_are_refused(client: Client) -> None:
    client.clone("taken")
    with pytest.raises(vim.fault.DuplicateName):
        client.importing("taken", DESCRIPTOR)
    with pytest.raises(vmodl.fault.InvalidArgument):
        client.importing("x", "<garbage/>")
