from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import subprocess
import tarfile
import tracemalloc
import zipfile
from collections.abc import Iterator
from contextlib import suppress

import pytest

from builds.engine.boxes import BoxError, Limits, open_box
from tests import boxes
from tests.boxes import box, member, metadata, tar

METADATA = ("metadata.json", json.dumps(metadata()).encode())
IMAGE = ("box.img", boxes.QCOW2)


def opened(data: bytes, provider: str = "libvirt", architecture: str = "unknown", limits: Limits | None = None):
    return open_box(io.BytesIO(data), provider, architecture, limits)


def refused(data: bytes, provider: str = "libvirt", architecture: str = "unknown", limits: Limits | None = None) -> str:
    with pytest.raises(BoxError) as caught:
        opened(data, provider, architecture, limits)
    assert all(flaw.what and flaw.hint for flaw in caught.value.flaws)
    return caught.value.message


@pytest.mark.parametrize("provider", boxes.FILES)
def test_a_right_box_tells_what_it_is(provider):
    found = opened(box(provider, {"info.json": b'{"author": "me"}'}, architecture="amd64"), provider, "amd64")
    assert (found.provider, found.architecture, found.compression) == (provider, "amd64", "gzip")
    assert found.info == {"author": "me"}
    assert found.vagrantfile == (provider == "virtualbox")
    assert found.notes == ()
    assert json.loads(json.dumps(found.details()))["metadata"]["provider"] == provider


@pytest.mark.parametrize("provider", ["hyperv", "parallels", "docker", "lxc"])
def test_of_other_providers_only_the_description_is_read(provider):
    assert opened(box(provider), provider).provider == provider


@pytest.mark.parametrize(
    ("pack", "name"), [(bytes, ""), (gzip.compress, "gzip"), (lzma.compress, "xz"), (bz2.compress, "bzip2")]
)
def test_every_usual_compression_is_read(pack, name):
    plain = gzip.decompress(box())
    assert opened(pack(plain)).compression == name


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_tar_is_read_with_long_names(format):
    name = "a" * 90 + "/" + "b" * 90
    assert opened(tar([METADATA, IMAGE, (f"./{name}", b"x")], format))


def test_a_file_with_holes_is_read_as_gnu_tar_packs_it(tmp_path):
    (tmp_path / "metadata.json").write_bytes(METADATA[1])
    with (tmp_path / "box.img").open("wb") as image:
        image.write(boxes.QCOW2)
        for place in range(1, 30):
            image.seek(place * 2**20)
            image.write(b"data")
        image.truncate(64 * 2**20)
    for form in ("gnu", "posix"):
        command = ["tar", f"--format={form}", "-cSf", "-", "-C", tmp_path, "./metadata.json", "./box.img"]
        packed = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
        assert len(packed) < 2**20
        assert opened(packed).unpacked < 2**20


def test_what_is_outside_is_refused():
    for name in ("../evil", "a/../../evil", "/etc/passwd", "a\\..\\evil", "C:evil", "a\nb"):
        assert "outside of the box's folder" in refused(tar([METADATA, IMAGE, (name, b"x")])), name


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_links_that_leave_the_box_are_refused(kind):
    for target in ("/etc/passwd", "../evil", "a/../../evil"):
        assert "outside of the box" in refused(tar([METADATA, IMAGE, (member("link", kind, target), b"")])), target
    assert opened(tar([METADATA, IMAGE, (member("link", kind, "box.img"), b"")]))
    assert opened(tar([METADATA, IMAGE, (member("a/link", tarfile.SYMTYPE, "../box.img"), b"")]))


@pytest.mark.parametrize("kind", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"])
def test_devices_pipes_and_unknown_things_are_refused(kind):
    assert "a box holds files" in refused(tar([METADATA, IMAGE, (member("thing", kind), b"")]))


def test_a_name_stands_for_one_file():
    assert "twice" in refused(tar([METADATA, IMAGE, ("./box.img", b"other")]))
    assert opened(tar([METADATA, IMAGE, (member("a", tarfile.DIRTYPE), b""), (member("./a/", tarfile.DIRTYPE), b"")]))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "is missing at the top"),
        (b"[]", "is no JSON object"),
        (b"{", "is no JSON"),
        (b"\xff{}", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"provider": "libvirt", "x": NaN}', "NaN is no number"),
        (b'{"provider": "libvirt", "x": 1e999}', "is no number"),
        (b"{}", "names no `provider`"),
        (b'{"provider": 5}', "names no `provider`"),
        (b'{"provider": "virtualbox"}', "declared for 'libvirt'"),
        (b" " * (5 * 2**20), "too many to be read"),
    ],
)
def test_its_description_must_be_right(data, said):
    assert said in refused(box(files={"metadata.json": data}))


def test_a_description_that_is_a_link_is_refused():
    assert "not a file" in refused(tar([(member("metadata.json", tarfile.SYMTYPE, "a"), b""), ("a", b"{}"), IMAGE]))


def test_the_architecture_must_agree():
    assert "declared for arm64" in refused(box(architecture="amd64"), architecture="arm64")
    assert opened(box(architecture="amd64"), architecture="unknown").architecture == "amd64"
    assert opened(box(), architecture="arm64").architecture == ""


@pytest.mark.parametrize(("declared", "inside"), [("vmware_fusion", "vmware_desktop"), ("libvirt", "virtualbox")])
def test_vagrant_compares_the_providers_letter_by_letter(declared, inside):
    assert f"declared for '{declared}'" in refused(box(inside), declared)


def test_libvirt_needs_a_disk_and_its_size():
    said = refused(box(files={"box.img": None}, virtual_size=None, format="raw"))
    assert "`virtual_size`" in said
    assert "`format`" in said
    assert "box.img: is missing" in said
    assert "3 problems" in said


def test_libvirt_boxes_with_several_disks():
    disks = [{"path": "box_0.img"}, {"path": "box_1.img"}]
    files = {"box.img": None, "box_0.img": boxes.QCOW2, "box_1.img": boxes.QCOW2}
    assert opened(box(files=files, disks=disks, format=None, virtual_size=None))
    assert "box_1.img: is missing" in refused(box(files={**files, "box_1.img": None}, disks=disks))
    assert "`disks[0]`" in refused(box(files=files, disks=[{"path": "../x"}]))
    assert "no list" in refused(box(files=files, disks="x"))


def test_virtualbox_needs_its_descriptor_and_the_disks_that_it_names():
    assert "box.ovf: is missing" in refused(box("virtualbox", {"box.ovf": None}), "virtualbox")
    assert "box-disk1.vmdk: is missing" in refused(box("virtualbox", {"box-disk1.vmdk": None}), "virtualbox")
    bomb = b'<!DOCTYPE a [<!ENTITY b "bb">]><a>&b;</a>'
    assert "document type" in refused(box("virtualbox", {"box.ovf": bomb}), "virtualbox")


def test_vmware_needs_its_settings_and_the_disks_that_they_name():
    assert "no .vmx" in refused(box("vmware_desktop", {"box.vmx": None}), "vmware_desktop")
    assert "disk.vmdk: is missing" in refused(box("vmware_desktop", {"disk.vmdk": None}), "vmware_desktop")
    assert "`vmx_file`" in refused(box("vmware_desktop", vmx_file="other.vmx"), "vmware_desktop")


def test_a_disk_that_leads_to_another_file_is_refused():
    backed = boxes.QCOW2[:8] + (512).to_bytes(8, "big") + boxes.QCOW2[16:]
    assert "in another file" in refused(box(files={"box.img": backed}))
    sizeless = boxes.VMDK[:12] + bytes(8) + boxes.VMDK[20:]
    assert "in another file" in refused(box("virtualbox", {"box-disk1.vmdk": sizeless}), "virtualbox")


def test_what_harms_nobody_else_is_a_note():
    key = b"-----BEGIN OPENSSH PRIVATE KEY-----\nabc\n"
    assert [
        "vagrant_private_key: is a private key" in note
        for note in opened(box(files={"vagrant_private_key": key})).notes
    ] == [True]
    assert "is no qcow2 disk" in opened(box(files={"box.img": b"raw"})).notes[0]
    assert "is no XML" in opened(box("virtualbox", {"box.ovf": b"no"}), "virtualbox").notes[0]


def test_everything_wrong_is_said_at_once():
    said = refused(
        tar([("metadata.json", b'{"provider": "libvirt"}'), ("../a", b""), (member("p", tarfile.FIFOTYPE), b"")])
    )
    for part in ("outside of the box's folder", "is a pipe", "`virtual_size`", "`format`", "box.img"):
        assert part in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no tar archive"),
        (b"hello, world", "no tar archive"),
        (b"\x28\xb5\x2f\xfd" + bytes(600), "compressed with zstd"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(600), "a 7z archive"),
        (gzip.compress(b"hello", mtime=0), "ends too early"),
    ],
)
def test_what_is_no_tar_is_refused_with_its_name(data, said):
    assert said in refused(data)


def test_a_zip_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(*METADATA)
    assert "a zip archive" in refused(out.getvalue())


def test_a_box_that_was_cut_off_anywhere_is_refused():
    whole = box(files={"big": random.Random(5).randbytes(300_000)})
    for length in range(1, len(whole), 7919):
        refused(whole[:length])
    plain = gzip.decompress(box())
    assert "ends too early" in refused(plain[: 4 * 512])  # after the last member
    assert "ends too early" in refused(plain[: 2 * 512])  # between two


class Zeros:
    """A gzip of so many zeros, made as it is read."""

    def __init__(self, size: int) -> None:
        head = tar([METADATA, IMAGE])[: 512 * 4]
        info = tarfile.TarInfo("zeros")
        info.size = size
        self._parts = self._compress(head + info.tobuf(tarfile.GNU_FORMAT), size)
        self.sent = 0

    def _compress(self, head: bytes, size: int) -> Iterator[bytes]:
        import zlib

        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        yield packer.compress(head)
        block = bytes(2**20)
        for _ in range(size // len(block)):
            if data := packer.compress(block):
                yield data
        yield packer.flush()

    def read(self, size: int = -1) -> bytes:
        data = next((part for part in self._parts if part), b"")
        self.sent += len(data)
        return data


def test_a_bomb_is_found_without_expanding_it_all():
    bomb = Zeros(2**34)
    with pytest.raises(BoxError, match="no box is packed so well"):
        open_box(bomb, "libvirt", limits=Limits(slack=32 * 2**20))
    assert bomb.sent < 200_000  # of 16 MB


def test_a_box_that_unpacks_to_too_much_is_refused():
    data = box(files={"big": random.Random(5).randbytes(300_000)})
    assert "unpacks to more than 200,000 bytes" in refused(data, limits=Limits(unpacked=200_000))


def test_too_many_files_are_refused():
    files = [(f"file{number}", b"") for number in range(20)]
    assert "more than 10 files" in refused(tar([METADATA, IMAGE, *files]), limits=Limits(members=10))


def test_a_header_of_any_length_takes_no_memory():
    name = tarfile.TarInfo("././@LongLink")
    name.type, name.size = tarfile.GNUTYPE_LONGNAME, 2**33
    head = name.tobuf(tarfile.GNU_FORMAT)
    data = gzip.compress(head + bytes(8 * 2**20))
    tracemalloc.start()
    try:
        assert "a header of 8,589,934,592 bytes" in refused(data)
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


def test_a_large_box_takes_little_memory():
    data = box(files={"big": random.Random(5).randbytes(24 * 2**20)})
    tracemalloc.start()
    try:
        opened(data)
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_sent_it_is_a_box_or_refused(seed):
    """Bytes of right boxes, changed at random: never another error."""
    choose = random.Random(seed)
    for _ in range(150):
        provider = choose.choice(list(boxes.FILES))
        data = bytearray(gzip.decompress(box(provider)))
        for _ in range(choose.randrange(1, 12)):
            place = choose.randrange(min(len(data), 5000))
            data[place] = choose.choice((0, 255, 0x30, 0x37, choose.randrange(256)))
        if choose.random() < 0.3:
            data = data[: choose.randrange(len(data))]
        sent = bytes(data)
        if choose.random() < 0.5:
            packed = bytearray(gzip.compress(sent))
            packed[choose.randrange(len(packed))] ^= choose.randrange(256)
            sent = bytes(packed)
        with suppress(BoxError):
            opened(sent, provider)
