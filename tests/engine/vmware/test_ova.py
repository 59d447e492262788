"""Disks through leases: whole, or not at all, and nothing stays behind."""

from __future__ import annotations

import hashlib
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyVmomi import vim

from builds.engine.errors import BuildError, Cancelled
from builds.engine.formats.ova import unpack, verify
from builds.engine.vmware import machines, ova
from builds.engine.vmware.leases import borrowed, disks_of
from builds.engine.vmware.machines import Owned
from tests.engine.formats.conftest import same
from tests.engine.vmware.lab import NAME, Lab, make_ova
from tests.simulators import disks


@pytest.fixture
def clone(lab: Lab) -> Iterator[Owned]:
    """A machine of ours that is off."""
    site = lab.site()
    source = site.session.by_id(vim.VirtualMachine, lab.client.template._moId)
    with machines.owned(
        site, lab.context, lambda mine: machines.clone(mine, source, lab.context, linked=False)
    ) as mine:
        yield mine


@pytest.fixture(scope="module")
def qemu_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ova(tmp_path_factory.mktemp("ova"))


def import_(lab: Lab, path: Path) -> Iterator[Owned]:
    site = lab.site()
    return machines.owned(site, lab.context, lambda mine: ova.import_(mine, path, lab.context))


def test_an_export_is_an_ova_as_any_importer_wants_it(lab: Lab, clone: Owned) -> None:
    ova.export(clone, lab.out / "whole.ova", NAME, lab.context)
    names = unpack(lab.out / "whole.ova", lab.out, lab.context)
    assert names == [f"{NAME}.ovf", f"{NAME}.mf", f"{NAME}-disk1.vmdk"]
    verify(lab.out / f"{NAME}.mf", lab.context)
    assert same(lab.out / names[2], "vmdk", disks.tiny(), "raw")
    assert lab.vcenter.held()["leases"] == []
    assert list(lab.context.work.iterdir()) == []


def test_a_download_that_breaks_off_begins_anew(lab: Lab, clone: Owned) -> None:
    lab.vcenter.fault("nfc.download", "drop", after_bytes=100_000)
    ova.export(clone, lab.out / "a.ova", "a", lab.context)
    unpack(lab.out / "a.ova", lab.out, lab.context)
    verify(lab.out / "a.mf", lab.context)
    assert "broke off" in lab.console.text
    assert lab.vcenter.held()["leases"] == []


def test_a_download_that_never_succeeds_leaves_no_file(lab: Lab, clone: Owned) -> None:
    lab.vcenter.fault("nfc.download", "lease", after_bytes=1000, count=-1)
    with pytest.raises(BuildError, match="the vCenter ended the lease: The lease timed out"):
        ova.export(clone, lab.out / "a.ova", "a", lab.context)
    assert list(lab.out.iterdir()) == []
    assert lab.vcenter.held()["leases"] == []


def test_a_slow_transfer_keeps_its_lease_alive(lab: Lab, clone: Owned) -> None:
    lab.vcenter.settings(lease_timeout=0.8)
    lab.vcenter.fault("nfc.download", "delay", delay_ms=2500)
    ova.export(clone, lab.out / "a.ova", "a", lab.context)
    assert "Trying again" not in lab.console.text


def test_cancelling_ends_the_lease(lab: Lab, clone: Owned) -> None:
    lab.vcenter.fault("nfc.download", "delay", delay_ms=20_000)
    threading.Timer(0.5, lab.context.stop.cancel).start()
    with pytest.raises(Cancelled):
        ova.export(clone, lab.out / "a.ova", "a", lab.context)
    assert lab.vcenter.held()["leases"] == []
    assert list(lab.out.iterdir()) == []


def test_a_qemu_made_ova_becomes_a_machine_with_the_same_disk(lab: Lab, qemu_made: Path, tmp_path: Path) -> None:
    with import_(lab, qemu_made) as mine:
        about = mine.read("name", "config.annotation", "config.hardware.numCPU")
        assert about["name"] == mine.name
        assert "build-7" in about["config.annotation"]
        ova.export(mine, lab.out / "back.ova", "back", lab.context)
    unpack(lab.out / "back.ova", tmp_path, lab.context)
    assert same(tmp_path / "back-disk1.vmdk", "vmdk", disks.tiny(), "raw")
    assert lab.vcenter.holds_nothing()
    assert lab.book.standing() == []


@pytest.mark.parametrize("mode", ["drop", "lease"])
def test_an_upload_that_breaks_off_leaves_no_machine(lab: Lab, qemu_made: Path, mode: str) -> None:
    lab.vcenter.fault("nfc.upload", mode, after_bytes=50_000)
    with pytest.raises(BuildError, match=r"The import of acme-wiki-1\.4\.0\.ova"), import_(lab, qemu_made):
        pass
    assert lab.vcenter.holds_nothing()
    assert lab.book.standing() == []


def test_a_cancelled_upload_leaves_no_machine(lab: Lab, qemu_made: Path) -> None:
    lab.vcenter.fault("nfc.upload", "delay", delay_ms=20_000)
    threading.Timer(0.5, lab.context.stop.cancel).start()
    with pytest.raises(Cancelled), import_(lab, qemu_made):
        pass
    assert lab.vcenter.holds_nothing()


def test_a_full_datastore_is_named(lab: Lab, qemu_made: Path) -> None:
    lab.vcenter.settings(free_space=2**20)
    with pytest.raises(BuildError, match="the datastore LocalDS_0 is full"), import_(lab, qemu_made):
        pass
    assert lab.vcenter.holds_nothing()


def test_what_is_no_ova_is_refused_before_anything_is_made(lab: Lab) -> None:
    path = lab.out / "a.ova"
    path.write_bytes(b"no tar" * 1000)
    with pytest.raises(BuildError, match=r"a\.ova is no OVA"), import_(lab, path):
        pass
    assert lab.vcenter.holds_nothing()


@pytest.mark.parametrize("right", [True, False])
def test_a_host_with_a_certificate_of_its_own_is_known_by_the_fingerprint_that_the_vcenter_told(
    lab: Lab, clone: Owned, right: bool
) -> None:
    where = (lab.vcenter.host, lab.vcenter.port)
    with borrowed(clone.session, clone.vm.ExportVm, lab.context, "The export") as lease:
        lab.vcenter.new_certificate()  # which nobody vouches for
        shown = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(where))
        (device,) = disks_of(lease.info)
        device.url = device.url.replace("*", f"127.1:{lab.vcenter.port}")
        told = hashlib.sha1(shown if right else b"another", usedforsecurity=False).hexdigest().upper()
        device.sslThumbprint = ":".join(told[n : n + 2] for n in range(0, len(told), 2))
        if right:
            assert lease.download(device, lab.out / "disk", 1).size > 0
        else:
            with pytest.raises(BuildError, match="Fingerprints did not match"):
                lease.download(device, lab.out / "disk", 1)
