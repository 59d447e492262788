"""A guest that boots in seconds under emulation: busybox, dropbear and Debian's cloud kernel on a small disk.

It stands for any base: it boots by BIOS and GRUB from virtio-blk, pvscsi or IDE, takes its address by DHCP,
and reads the NoCloud volume as real bases do. `kernel` and `initrd` beside the disk allow a direct boot.
Run as a program, it says where it has put the files:  python -m tests.guests.tiny
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from builds.engine.bases.disk import make_disk
from builds.engine.image import Image

CACHE = Path(__file__).parents[2] / ".cache" / "tiny"
FILES = Path(__file__).parent / "tiny-root"
INIT = Path(__file__).parent / "tiny-init.sh"
SIZE = 640 * 1024 * 1024  # mostly a hole; on less, mke2fs would choose smaller blocks than real bases have
PROGRAMS = (
    "/usr/sbin/dropbear",
    "/usr/bin/dropbearconvert",
    "/usr/bin/dropbearkey",
    "/usr/lib/openssh/sftp-server",
)
# In the order in which they are loaded.
MODULES = (
    *("virtio_pci", "virtio_blk", "vmw_pvscsi", "ata_piix", "sd_mod", "isofs"),
    *("virtio_net", "vmxnet3", "virtio-rng"),
)
# What the kernel tests of itself is no matter of ours. The disk's own grub.cfg says the same.
BRIEF = (
    "quiet console=ttyS0 mitigations=off norandmaps apparmor=0 cryptomgr.notests "
    "initcall_blacklist=crypto_kdf108_init,load_system_certificate_list,init_kprobe_trace"
)
APPEND = f"root=/dev/root ro {BRIEF}"


@dataclass(frozen=True)
class Tiny:
    disk: Path
    kernel: Path
    initrd: Path

    def image(self) -> Image:
        """As a base hands it over."""
        digest = f"sha256:{hashlib.sha256(self.disk.read_bytes()).hexdigest()}"
        return Image("disk", path=self.disk, details={"digest": digest})

    def direct_image(self) -> Image:
        """With a kernel for a direct boot, which saves half the time."""
        details = {"kernel": str(self.kernel), "initrd": str(self.initrd), "append": APPEND}
        return Image("disk", path=self.disk, details={**self.image().details, **details})


def make(cache: Path = CACHE) -> Tiny:
    """The guest, made at the first call and whenever one of its parts is another."""
    folder = cache / _digest()
    tiny = Tiny(folder / "disk.qcow2", folder / "kernel", folder / "initrd")
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:  # several test runs may start at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not tiny.disk.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            _make(tiny, _kernel_package(cache), folder)
    return tiny


def _digest() -> str:
    parts = [Path(__file__), INIT, *sorted(path for path in FILES.rglob("*") if path.is_file())]
    parts += [Path("/bin/busybox"), *map(Path, PROGRAMS)]
    return hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:16]


def _make(tiny: Tiny, package: Path, folder: Path) -> None:
    unpacked, tree, early = (folder / name for name in ("package", "tree", "early"))
    subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
    shutil.copyfile(next(unpacked.glob("boot/vmlinuz-*")), tiny.kernel)
    _early(unpacked, early, tiny.initrd)
    _tree(tree, tiny)
    make_disk(tree, tiny.disk, SIZE)
    for scratch in (unpacked, tree, early):
        shutil.rmtree(scratch)


def _early(unpacked: Path, early: Path, initrd: Path) -> None:
    """The initramfs: it loads the drivers and hands over to the disk."""
    (early / "lib").mkdir(parents=True)
    for name in ("dev", "proc", "sys", "root"):
        (early / name).mkdir()
    add_busybox(early)
    (early / "init").write_text(INIT.read_text())
    (early / "init").chmod(0o755)
    found = {path.stem.replace("-", "_"): path for path in unpacked.glob("lib/modules/*/kernel/**/*.ko")}
    order: list[str] = []
    for name in MODULES:
        _add_module(name.replace("-", "_"), found, order)
    for name in order:
        shutil.copyfile(found[name], early / "lib" / f"{name}.ko")
    (early / "lib" / "order").write_text("".join(f"{name}\n" for name in order))
    archive = subprocess.run(
        ["bsdtar", "--format=newc", "-cf", "-", "-C", early, "."], check=True, stdout=subprocess.PIPE
    )
    initrd.write_bytes(gzip.compress(archive.stdout, compresslevel=1, mtime=0))


def _add_module(name: str, found: dict[str, Path], order: list[str]) -> None:
    if name in order or name not in found:  # what is not found is built in
        return
    depends = re.search(rb"\0depends=([^\0]*)\0", found[name].read_bytes())
    for needed in depends.group(1).decode().split(",") if depends else []:
        _add_module(needed.replace("-", "_"), found, order)
    order.append(name)


def _tree(tree: Path, tiny: Tiny) -> None:
    shutil.copytree(FILES, tree)
    for name in (
        "boot",
        "dev",
        "home",
        "proc",
        "root",
        "run",
        "srv",
        "sys",
        "tmp",
        "usr/bin",
        "usr/sbin",
        "var/log",
    ):
        (tree / name).mkdir(parents=True, exist_ok=True)
    (tree / "root").chmod(0o700)
    (tree / "tmp").chmod(0o1777)
    (tree / "var" / "tmp").mkdir(mode=0o1777)
    (tree / "etc" / "machine-id").write_text("")
    add_busybox(tree)
    (tree / "sbin").symlink_to("bin")
    for program in PROGRAMS:
        add_program(tree, Path(program))
    shutil.copyfile(tiny.kernel, tree / "boot" / "kernel")
    shutil.copyfile(tiny.initrd, tree / "boot" / "initrd")


def add_busybox(tree: Path) -> None:
    (tree / "bin").mkdir(exist_ok=True)
    shutil.copy("/bin/busybox", tree / "bin" / "busybox")
    for applet in subprocess.run(["busybox", "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout.split():
        if applet != "busybox":
            (tree / "bin" / applet).symlink_to("busybox")


def add_program(tree: Path, program: Path) -> None:
    """The program with the libraries that it is linked to, each where it is here."""
    linked = subprocess.run(["ldd", program], check=True, stdout=subprocess.PIPE, text=True).stdout
    for name in [str(program), *re.findall(r"(/\S+) \(0x", linked)]:
        target = tree / name.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(name).resolve(), target)


def _kernel_package(cache: Path) -> Path:
    """Debian's kernel for virtual machines: downloaded from the host's own mirror, not installed."""
    cached = sorted(cache.glob("linux-image-*.deb"))
    if not cached:
        depends = subprocess.run(
            ["apt-cache", "depends", "linux-image-cloud-amd64"], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        found = re.search(r"Depends: (linux-image-\S+)", depends)
        if not found:
            raise RuntimeError("apt knows no linux-image-cloud-amd64: run `apt-get update`")
        subprocess.run(["apt-get", "-qq", "download", found.group(1)], cwd=cache, check=True, stderr=subprocess.DEVNULL)
        cached = sorted(cache.glob("linux-image-*.deb"))
    return cached[-1]


if __name__ == "__main__":
    for path in vars(make()).values():
        sys.stdout.write(f"{path}\n")
