"""The user that is added for Vagrant, on the disks that authors may bring."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from builds.engine.command import run
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.formats import vagrant_key, vagrant_user
from builds.engine.formats.ext4 import Stat, find_root

from .conftest import MIB


@pytest.fixture
def add(linux: Callable[..., Path], tmp_path: Path, context: Context) -> Callable[..., Path]:
    def add(size: int = 64 * MIB) -> Path:
        raw = tmp_path / "vagrant.raw"
        run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", linux(size), raw])
        vagrant_user.add(raw, context)
        run(["e2fsck", "-f", "-n", f"{raw}?offset={MIB}"])
        return raw

    return add


def test_the_user_owns_a_home_that_sshd_accepts(add: Callable[[], Path], context: Context) -> None:
    root = find_root(add(), context)

    assert root.stat(["/home", "/home/vagrant", "/home/vagrant/.ssh", "/home/vagrant/.ssh/authorized_keys"]) == {
        "/home": Stat("directory", 0o755, 0, 0),
        "/home/vagrant": Stat("directory", 0o755, 1002, 1002),
        "/home/vagrant/.ssh": Stat("directory", 0o700, 1002, 1002),
        "/home/vagrant/.ssh/authorized_keys": Stat("regular", 0o600, 1002, 1002),
    }
    keys = root.read(["/home/vagrant/.ssh/authorized_keys"]).popitem()[1]
    assert keys.decode().splitlines() == list(vagrant_key.PUBLIC)


def test_the_user_may_do_everything_and_nobody_may_read_more_than_before(
    add: Callable[[], Path], context: Context
) -> None:
    root = find_root(add(), context)

    stats = root.stat(["/etc/sudoers.d", "/etc/sudoers.d/vagrant", "/etc/shadow", "/etc/passwd"])
    assert stats == {
        "/etc/sudoers.d": Stat("directory", 0o750, 0, 0),
        "/etc/sudoers.d/vagrant": Stat("regular", 0o440, 0, 0),
        "/etc/shadow": Stat("regular", 0o640, 0, 0),
        "/etc/passwd": Stat("regular", 0o644, 0, 0),
    }
    files = root.read(["/etc/sudoers.d/vagrant", "/etc/ssh/sshd_config.d/vagrant.conf", "/etc/passwd"])
    assert b"NOPASSWD: ALL" in files["/etc/sudoers.d/vagrant"]
    assert files["/etc/ssh/sshd_config.d/vagrant.conf"] == b"UseDNS no\n"
    assert files["/etc/passwd"].endswith(b"\nvagrant:x:1002:1002::/home/vagrant:/bin/bash\n")


def test_a_user_that_the_author_made_is_kept(tree: Path, add: Callable[[], Path], context: Context) -> None:
    with (tree / "etc/passwd").open("a") as passwd:
        passwd.write("vagrant:x:1500:100:Mine:/srv/vagrant:/bin/sh\n")
    (tree / "srv/vagrant/.ssh").mkdir(parents=True)
    (tree / "srv/vagrant/.ssh/authorized_keys").write_text("ssh-ed25519 AAAA mine\n")

    root = find_root(add(), context)

    files = root.read(["/etc/passwd", "/srv/vagrant/.ssh/authorized_keys"])
    assert files["/etc/passwd"].decode().count("vagrant:x:1500:100:Mine:/srv/vagrant:/bin/sh\n") == 1
    lines = files["/srv/vagrant/.ssh/authorized_keys"].decode().splitlines()
    assert lines == ["ssh-ed25519 AAAA mine", *vagrant_key.PUBLIC]
    assert root.stat(["/srv/vagrant/.ssh"]) == {"/srv/vagrant/.ssh": Stat("directory", 0o700, 1500, 100)}


def test_an_sshd_without_parts_is_told_in_its_own_file(tree: Path, add: Callable[[], Path], context: Context) -> None:
    (tree / "etc/ssh/sshd_config").write_text("UsePAM yes\nUseDNS yes\n")

    root = find_root(add(), context)

    # sshd takes the first value that it reads.
    assert root.read(["/etc/ssh/sshd_config"])["/etc/ssh/sshd_config"].startswith(b"UseDNS no\nUsePAM yes\n")


def test_a_machine_without_sudo_gets_its_user_and_a_warning(
    tree: Path, add: Callable[[], Path], console: Recorder
) -> None:
    (tree / "usr/bin/sudo").unlink()

    add()

    assert "no sudo" in console.text


def test_a_full_root_file_system_is_an_error(linux: Callable[[int], Path], tmp_path: Path, context: Context) -> None:
    raw, filler = tmp_path / "full.raw", tmp_path / "filler"
    run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", linux(8 * MIB), raw])
    device = f"{raw}?offset={MIB}"
    told = dict(re.findall(r"^(Free blocks|Block size): +(\d+)$", run(["dumpe2fs", "-h", device]), re.MULTILINE))
    filler.write_bytes(b"x" * int(told["Block size"]) * (int(told["Free blocks"]) - 3))
    run(["debugfs", "-w", "-R", f"write {filler} filler", device])

    with pytest.raises(BuildError, match="did not take") as caught:
        vagrant_user.add(raw, context)

    assert "size.disk" in caught.value.hint


@pytest.mark.parametrize("table", [b"", b"label: gpt\nsize=8M\nsize=8M\n"], ids=["empty disk", "no file systems"])
def test_a_root_that_is_not_ext4_is_an_error(tmp_path: Path, context: Context, table: bytes) -> None:
    raw = tmp_path / "other.raw"
    with raw.open("wb") as file:
        file.truncate(32 * MIB)
    if table:
        run(["sfdisk", "--quiet", raw], input=table)

    with pytest.raises(BuildError, match="no ext2, ext3 or ext4") as caught:
        find_root(raw, context)

    assert "leave the box formats out" in caught.value.hint


def test_the_root_is_found_behind_other_partitions(tmp_path: Path, tree: Path, context: Context) -> None:
    raw = tmp_path / "gpt.raw"
    with raw.open("wb") as file:
        file.truncate(64 * MIB)
    run(["sfdisk", "--quiet", raw], input=b"label: gpt\nsize=1M\nsize=16M\nsize=40M\n")
    for offset, source in ((2, tree / "home"), (18, tree)):  # a /boot without /etc/passwd comes first
        argv = ["mke2fs", "-q", "-F", "-t", "ext4", "-E", f"offset={offset * MIB},root_owner=0:0"]
        run([*argv, "-d", source, raw, "14M"])

    vagrant_user.add(raw, context)

    assert "vagrant" in run(["debugfs", "-R", "cat /etc/passwd", f"{raw}?offset={18 * MIB}"])


def test_a_file_system_that_was_not_unmounted_is_an_error(
    linux: Callable[[], Path], tmp_path: Path, context: Context
) -> None:
    raw = tmp_path / "unclean.raw"
    run(["qemu-img", "convert", "-f", "qcow2", "-O", "raw", linux(), raw])
    run(["debugfs", "-w", "-R", "feature needs_recovery", f"{raw}?offset={MIB}"])

    with pytest.raises(BuildError, match="not shut down cleanly"):
        vagrant_user.add(raw, context)
