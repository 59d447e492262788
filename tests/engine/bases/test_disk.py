"""disk: a tree of files becomes a disk that GRUB boots."""

import io
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from builds.engine.bases.disk import make_disk
from builds.engine.errors import WorkerError

MiB = 1 << 20


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "tree.tar"
    with tarfile.open(path, "w") as tar:
        for name in ("boot", "boot/grub", "home"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
        for name, text, owner in (
            ("boot/grub/grub.cfg", b"serial\nterminal_output serial\necho booted-by-grub\nhalt\n", 0),
            ("home/diary", b"private", 1234),
        ):
            entry = tarfile.TarInfo(name)
            entry.size, entry.uid, entry.gid, entry.mode = len(text), owner, owner, 0o600
            tar.addfile(entry, io.BytesIO(text))
    return path


def test_owners_modes_and_label_are_kept_and_the_file_system_is_sound(archive: Path, tmp_path: Path):
    make_disk(archive, tmp_path / "disk.raw", 64 * MiB, format="raw")
    partition = tmp_path / "partition"
    partition.write_bytes((tmp_path / "disk.raw").read_bytes()[MiB:])
    subprocess.run(["/usr/sbin/e2fsck", "-fn", partition], check=True, capture_output=True)
    shown = subprocess.check_output(
        ["/usr/sbin/debugfs", "-R", "stat /home/diary", partition], text=True, stderr=subprocess.DEVNULL
    )
    assert re.search(r"Mode:\s+0600", shown)
    assert re.search(r"User:\s+1234\s+Group:\s+1234", shown)
    assert subprocess.check_output(["/usr/sbin/e2label", partition], text=True) == "root\n"


def test_what_does_not_fit_is_said_and_leaves_nothing(archive: Path, tmp_path: Path):
    with tarfile.open(archive, "a") as tar:
        entry = tarfile.TarInfo("large")
        entry.size = 40 * MiB
        tar.addfile(entry, io.BytesIO(bytes(range(256)) * (40 * MiB // 256)))
    with pytest.raises(WorkerError, match="do not fit on a disk of 32 MiB"):
        make_disk(archive, tmp_path / "disk.qcow2", 32 * MiB)
    assert [path.name for path in tmp_path.iterdir()] == ["tree.tar"]


@pytest.mark.guest
def test_the_firmware_finds_grub_and_grub_finds_its_file(archive: Path, tmp_path: Path):
    make_disk(archive, tmp_path / "disk.qcow2", 64 * MiB)
    argv = ["qemu-system-x86_64", "-accel", "tcg", "-m", "128", "-nodefaults", "-display", "none"]
    argv += ["-serial", "stdio", "-drive", f"file={tmp_path}/disk.qcow2,if=virtio"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) as guest:
        try:
            assert guest.stdout
            assert any("booted-by-grub" in line for line in guest.stdout)
        finally:
            guest.kill()
