"""The OVA is what importers read: a USTAR tar in the standard's order, whose sums and references hold."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from builds.engine import formats
from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.formats import ovf
from builds.engine.formats.base import PackedFormat
from builds.engine.image import Drive, Image, Size

from .conftest import MACHINE, MIB, NAME, Convert, chain, same, scatter


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return chain(scatter(tmp_path / "disk.raw", 16 * MIB))


@pytest.fixture
def ova(disk: Path, convert: Convert) -> Image:
    return convert(disk, "ova")["ova"]


def test_members_come_in_the_order_of_the_standard(ova: Image) -> None:
    data = ova.file.read_bytes()
    with tarfile.open(ova.file, "r:") as archive:
        members = archive.getmembers()

    assert [member.name for member in members] == [f"{NAME}.ovf", f"{NAME}.mf", f"{NAME}-disk1.vmdk"]
    assert members[0].offset == 0
    for member in members:
        assert data[member.offset + 257 : member.offset + 265] == b"ustar\x0000", "magic and version of USTAR"
        assert (member.uid, member.gid, member.isreg()) == (0, 0, True)


def test_the_manifest_holds_the_sums_of_descriptor_and_disk(ova: Image, tmp_path: Path) -> None:
    with tarfile.open(ova.file) as archive:
        archive.extractall(tmp_path, filter="data")

    names = (f"{NAME}.ovf", f"{NAME}-disk1.vmdk")
    sums = [f"SHA256({name})= {hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()}\n" for name in names]
    assert (tmp_path / f"{NAME}.mf").read_text() == "".join(sums)


def test_it_boots_the_captured_disk_on_the_hardware_that_it_names(
    ova: Image, disk: Path, open_image: Callable[[Image], Drive]
) -> None:
    drive = open_image(ova)

    assert (drive.controller, drive.nic, drive.user, drive.private_key) == ("pvscsi", "vmxnet3", "root", "")
    assert same(drive.path, "vmdk", disk, "qcow2")


def test_a_damaged_disk_is_found(ova: Image, open_image: Callable[[Image], Drive]) -> None:
    data = bytearray(ova.file.read_bytes())
    data[-10_000] ^= 1
    ova.file.write_bytes(data)

    with pytest.raises(BuildError, match="differs from its sum"):
        open_image(ova)


def test_half_a_file_is_found(ova: Image, open_image: Callable[[Image], Drive]) -> None:
    ova.file.write_bytes(ova.file.read_bytes()[:5000])

    with pytest.raises(BuildError, match="not a whole OVA"):
        open_image(ova)


def test_a_disk_beyond_what_the_archive_can_hold_is_refused(tmp_path: Path, context: Context) -> None:
    vmdk = tmp_path / "large.vmdk"
    with vmdk.open("wb") as file:
        file.truncate(8 * 2**30)
    ova = formats.FORMATS["ova"]
    assert issubclass(ova, PackedFormat)

    with (
        (tmp_path / "x").open("wb") as file,
        pytest.raises(BuildError, match="too large for an OVA") as caught,
    ):
        ova(ova.Options()).pack(Image("vmdk", vmdk, size=MACHINE), file, NAME, context)

    assert "vmdk instead" in caught.value.hint


def test_the_descriptor_says_the_same_to_vmware_and_virtualbox() -> None:
    text = ovf.describe(NAME, Size(3, 1000 * MIB, 0), 5 * MIB, "disk.vmdk", file_size=77, hardware=19)

    vmware, (vbox, mac) = ovf.read(text), ovf.read_vbox(text)
    assert (vmware.disk, vmware.controller, vmware.nic) == ("disk.vmdk", "VirtualSCSI", "VmxNet3")
    assert (vbox.disk, vbox.controller, vbox.nic) == ("disk.vmdk", "PIIX4", "virtio")
    assert mac.startswith("080027")
    assert len(mac) == 12
    root = ElementTree.fromstring(text)  # noqa: S314 -- we wrote it
    assert root.findtext(f".//{ovf.OVF}Product") == "acme-wiki"
    assert root.findtext(f".//{ovf.OVF}Version") == "1.4.0"
    assert "vmx-19<" in text
    assert 'ovf:size="77"' in text
    assert f'ovf:capacity="{5 * MIB}"' in text
    assert "1000 MB" in text


def test_a_product_may_have_a_number_in_its_name() -> None:
    root = ElementTree.fromstring(ovf.describe("acme-ubuntu-24.04-1.0-rc1", MACHINE, MIB, "disk.vmdk"))  # noqa: S314

    assert root.findtext(f".//{ovf.OVF}Product") == "acme-ubuntu-24.04"
    assert root.findtext(f".//{ovf.OVF}Version") == "1.0-rc1"


def test_names_are_escaped() -> None:
    name = 'R&D "<wiki>"'

    root = ElementTree.fromstring(ovf.describe(name, MACHINE, MIB, "disk.vmdk"))  # noqa: S314

    assert root.findtext(f".//{ovf.OVF}Product") == name


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ('ovf:fileRef="file1"', 'ovf:fileRef="file2"'),
        ("ovf:/disk/vmdisk1", "ovf:/disk/vmdisk2"),
        ("<rasd:Parent>3<", "<rasd:Parent>9<"),
        ("</Envelope>", ""),
    ],
)
def test_a_descriptor_that_does_not_hang_together_is_refused(right: str, wrong: str) -> None:
    text = ovf.describe(NAME, MACHINE, MIB, "disk.vmdk")
    assert right in text

    with pytest.raises(BuildError, match="does not hang together"):
        ovf.read(text.replace(right, wrong))
