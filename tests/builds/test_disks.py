"""What is read of a disk for the indexes."""

import hashlib
import io
import subprocess
import tarfile

from builds import disks, incus


def test_a_real_disk_tells_its_size_and_hashes(tmp_path):
    path = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", path, "3G"], check=True)
    content = path.read_bytes()
    with path.open("rb") as file:
        found = disks.read(file, "arm64", 1234567890)
    assert found["virtual_size"] == 3 << 30
    assert found["sha512"] == hashlib.sha512(content).hexdigest()
    assert found["incus_metadata"] == "architecture: aarch64\ncreation_date: 1234567890\n"
    archive = incus.archive(found["incus_metadata"])
    assert found["incus_sha256"] == hashlib.sha256(archive + content).hexdigest()


def test_what_is_no_disk_has_no_size():
    assert disks.read(io.BytesIO(b"text" * 100), "amd64", 0)["virtual_size"] == 0


def test_the_archive_has_the_same_bytes_for_the_same_text():
    text = incus.metadata("amd64", 1)
    assert incus.archive(text) == incus.archive(text)
    # Whoever changes them breaks the hashes of everything that is published.
    assert (
        hashlib.sha256(incus.archive(text)).hexdigest()
        == "da34bec0696053df2ad3a211ac001d07c7d4c7d377864e00546c3d315d6b62be"
    )
    with tarfile.open(fileobj=io.BytesIO(incus.archive(text))) as tar:
        assert tar.getnames() == ["metadata.yaml"]
