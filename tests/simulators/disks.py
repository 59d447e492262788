"""Disks for simulated machines: made at the first call, kept in .cache/ until one of their parts changes.

Run as a program, it makes one and says where it is:  python -m tests.simulators.disks tiny|debian|tools
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from builds.engine.bases.debian import KEYRING, mirror
from builds.engine.bases.disk import make_disk
from tests.guests.tiny import add_busybox, add_program

CACHE = Path(__file__).parents[2] / ".cache" / "simulators"
TINY_ROOT = Path(__file__).with_name("tiny-root")
TINY_PROGRAMS = ("/usr/sbin/dropbear", "/usr/bin/dropbearkey", "/usr/lib/openssh/sftp-server")
TINY_SIZE = 64 * 1024 * 1024
FOLDERS = ("dev", "etc/dropbear", "home/admin", "proc", "root", "run", "sys", "tmp", "usr/lib", "var/log", "var/tmp")

DEBIAN_SIZE = 2 << 30
# What Debian's images for EC2 have, without the kernel and what only hardware needs.
DEBIAN_PACKAGES = "ca-certificates cloud-init curl dbus iproute2 less netbase openssh-server procps sudo systemd-sysv"
DEBIAN_CLOUD = """\
datasource_list: [NoCloud, Ec2, None]
locale: false
manage_etc_hosts: true
system_info:
  default_user:
    name: admin
    sudo: ["ALL=(ALL) NOPASSWD:ALL"]
    shell: /bin/bash
"""
DEBIAN_FINISH = (
    f"printf '%s' '{DEBIAN_CLOUD}' > \"$1/etc/cloud/cloud.cfg.d/01_debian_cloud.cfg\"",
    'rm -rf "$1"/etc/ssh/ssh_host_* "$1/etc/resolv.conf" "$1"/var/lib/apt/lists/*_* "$1"/var/cache/apt/archives/*.deb',
    ': > "$1/etc/machine-id"',
)


def tiny() -> Path:
    """Busybox and dropbear: boots in a moment. Log in as `admin`, or as `root`; `sudo` works."""
    parts = [Path("/bin/busybox"), *map(Path, TINY_PROGRAMS), *sorted(TINY_ROOT.rglob("*"))]
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts if part.is_file()))
    return _kept("tiny", [digest.hexdigest(), TINY_SIZE, FOLDERS], _make_tiny)


def debian() -> Path:
    """Debian 12 as it is on a cloud: systemd, OpenSSH, cloud-init, apt with the mirror that bases are made from."""
    return _debian("debian", DEBIAN_PACKAGES)


def tools() -> Path:
    """The same with Puppet and Ansible."""
    return _debian("tools", f"{DEBIAN_PACKAGES} ansible-core puppet-agent python3-apt")


def _debian(name: str, packages: str) -> Path:
    make = partial(_make_debian, packages)
    return _kept(name, [DEBIAN_SIZE, packages, DEBIAN_FINISH, mirror()], make)


def _kept(name: str, parts: list[object], make: Callable[[Path, Path], None]) -> Path:
    digest = hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
    disk = CACHE / f"{name}-{digest}.raw"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:  # several test runs may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not disk.exists():
            scratch = CACHE / f"{name}.part"
            shutil.rmtree(scratch, ignore_errors=True)
            scratch.mkdir()
            make(scratch, disk)
            shutil.rmtree(scratch)
    return disk


def _make_tiny(scratch: Path, disk: Path) -> None:
    tree = scratch / "tree"
    for name in FOLDERS:
        (tree / name).mkdir(parents=True)
    (tree / "tmp").chmod(0o1777)
    (tree / "var" / "tmp").chmod(0o1777)
    for name in ("root", "home/admin"):
        (tree / name).chmod(0o700)
    (tree / "sbin").symlink_to("usr/sbin")
    add_busybox(tree)
    for program in TINY_PROGRAMS:
        add_program(tree, Path(program))
    for name in ("halt", "init", "poweroff", "reboot"):  # ours
        (tree / "bin" / name).unlink(missing_ok=True)
    shutil.copytree(TINY_ROOT, tree, dirs_exist_ok=True)
    make_disk(tree, disk, TINY_SIZE, format="raw")


def _make_debian(packages: str, scratch: Path, disk: Path) -> None:
    archive = scratch / "root.tar"
    sources = {"bookworm": mirror(), "bookworm-updates": mirror(), "bookworm-security": f"{mirror()}-security"}
    # In a namespace of its own: interrupted, mmdebstrap leaves mounts behind.
    argv = ["unshare", "--mount", "--propagation", "private", "--", "mmdebstrap", "--quiet", "--variant=minbase"]
    argv += [f"--include={','.join(packages.split())}", "--skip=output/mknod"]
    argv += [f"--customize-hook={command}" for command in DEBIAN_FINISH]
    argv += ["bookworm", str(archive)]
    argv += [f"deb [signed-by={KEYRING}] {url} {suite} main" for suite, url in sources.items()]
    subprocess.run(argv, check=True)
    make_disk(archive, disk, DEBIAN_SIZE, format="raw")


if __name__ == "__main__":
    sys.stdout.write(f"{ {'tiny': tiny, 'debian': debian, 'tools': tools}[sys.argv[1]]() }\n")
