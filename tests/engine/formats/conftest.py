"""Small disks with everything in them that a real one may have, and a context to convert them in."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from builds.engine import formats
from builds.engine.command import run
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.image import Drive, Image, Size

MIB = 2**20
MACHINE = Size(cpus=2, memory=512 * MIB, disk=64 * MIB)
NAME = "acme-wiki-1.4.0"

Convert = Callable[..., dict[str, Image]]


@pytest.fixture
def console() -> Recorder:
    return Recorder()


@pytest.fixture
def context(tmp_path: Path, console: Recorder) -> Context:
    work = tmp_path / "work"
    work.mkdir()
    return Context("b1", work, tmp_path / "cache", tmp_path / "source", console)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "images"
    path.mkdir()
    return path


@pytest.fixture
def convert(folder: Path, context: Context) -> Convert:
    def convert(disk: Path, *names: str) -> dict[str, Image]:
        asked = [formats.FORMATS[name](formats.FORMATS[name].Options()) for name in names]
        return formats.convert(Image("disk", disk, size=MACHINE), NAME, asked, folder, context)

    return convert


@pytest.fixture
def open_image(tmp_path: Path, context: Context) -> Callable[[Image], Drive]:
    """Unpacks an image as its user would."""

    def open_image(image: Image) -> Drive:
        target = tmp_path / f"opened-{image.format}"
        target.mkdir()
        made = formats.FORMATS[image.format]
        return made(made.Options()).drive(image, target, context)

    return open_image


def scatter(path: Path, size: int, seed: int = 1) -> Path:
    """A raw disk with text, noise, zeros that are written and zeros that are not, at odd places."""
    dice = random.Random(seed)
    with path.open("wb") as file:
        file.truncate(size)
        for _ in range(24):
            length = min(size, dice.choice([1, 511, 4096, 65536, 200_000]))
            file.seek(dice.randrange(size - length + 1))
            file.write(dice.choice([dice.randbytes(length), (b"slipway " * length)[:length], bytes(length)]))
        file.seek(size - 1)
        file.write(b"!")
    return path


def chain(raw: Path, *, compressed: bool = False) -> Path:
    """A qcow2 disk as capture leaves it: an overlay, on an overlay, on a base that may be compressed."""
    base, middle, top = (raw.with_name(f"{raw.stem}-{name}.qcow2") for name in ("base", "middle", "top"))
    run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *(["-c"] * compressed), raw, base])
    for below, above in ((base, middle), (middle, top)):
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", below, above])
    run(["qemu-io", "-c", "write -P 7 70000 200000", "-c", "write -z 1M 64k", middle])
    run(["qemu-io", "-c", "write -P 8 131072 4096", "-c", "write -z 300000 100000", top])
    return top


def same(one: Path, one_format: str, other: Path, other_format: str) -> bool:
    """Do two disks hold the same? A difference in size counts."""
    command = ["qemu-img", "compare", "-f", one_format, "-F", other_format, one, other]
    return capacity(one, one_format) == capacity(other, other_format) and "identical" in run(command, allowed=(0, 1))


def capacity(path: Path, format: str) -> int:
    return int(json.loads(run(["qemu-img", "info", "-f", format, "--output=json", path]))["virtual-size"])


PASSWD = "root:x:0:0:root:/root:/bin/bash\nadmin:x:1000:1000::/home/admin:/bin/bash\n"
TREE = {
    "etc/passwd": PASSWD,
    "etc/group": "root:x:0:\nadmin:x:1000:\nstaff:x:1001:\n",
    "etc/shadow": "root:*:19000:0:99999:7:::\nadmin:!:19000:0:99999:7:::\n",
    "etc/gshadow": "root:*::\nadmin:!::\n",
    "etc/ssh/sshd_config": "Include /etc/ssh/sshd_config.d/*.conf\nUsePAM yes\n",
    "etc/ssh/sshd_config.d/README": "",
    "usr/bin/sudo": "",
    "usr/bin/bash": "",
    "var/lib/data": "slipway " * 100_000,
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The files of a small Linux, without anything that runs."""
    root = tmp_path / "root"
    for name, text in TREE.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "etc/shadow").chmod(0o640)
    (root / "bin").symlink_to("usr/bin")
    (root / "home").mkdir()
    return root


@pytest.fixture
def linux(tree: Path, tmp_path: Path) -> Callable[..., Path]:
    """Makes a disk of `tree` as it is by then: a partition table, an ext4 file system, an overlay."""

    def linux(size: int = 64 * MIB) -> Path:
        raw, disk = tmp_path / "linux.raw", tmp_path / "linux.qcow2"
        with raw.open("wb") as file:
            file.truncate(size)
        run(["sfdisk", "--quiet", raw], input=b"label: dos\nstart=2048, type=83, bootable\n")
        options = f"offset={MIB},root_owner=0:0"
        blocks = f"{(size - MIB) // 1024}k"
        run(["mke2fs", "-q", "-F", "-t", "ext4", "-E", options, "-d", tree, raw, blocks])
        run(["qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, tmp_path / "base.qcow2"])
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", tmp_path / "base.qcow2", disk])
        return disk

    return linux
