"""What this worker can do, and how to get what is missing."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from .bases import debian
from .bases.disk import GRUB
from .bases.download import fetch
from .command import find, run
from .console import Recorder
from .context import Context
from .errors import SlipwayError
from .memory import free_memory

TOOLS = {
    "qemu-system-x86_64": "--version",
    "qemu-img": "--version",
    "mmdebstrap": "--version",
    "sfdisk": "--version",
    "mke2fs": "-V",
    "grub-mkimage": "--version",
    "fakeroot": "--version",
    "bwrap": "--version",
    "slirp4netns": "--version",
    "socat": "-V",
    "xorriso": "-version",
    "zstd": "--version",
    "git": "--version",
}
VERSION = re.compile(r"\d+(\.\d+)+[\w.+-]*")
DISK = 10 << 30
"""Bytes: a base, its machine, and a few formats of it."""
MEMORY = 2 << 30
"""Bytes: one machine and the conversions beside it."""
GiB = 1 << 30


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: `seen` is what there is, `hint` how to get what there should be."""

    name: str
    ok: bool
    seen: str
    hint: str = ""
    needed: bool = True
    """False: without it this machine can do less, but it can build."""


def examine(cache: Path, acceleration: Callable[[], Finding] | None = None) -> list[Finding]:
    """Look at all that builds need. `cache` is where bases are kept; `acceleration` tries the processor."""
    looks: list[tuple[str, Callable[[], Finding]]] = [
        *((name, partial(tool, name)) for name in TOOLS),
        ("GRUB for BIOS", grub),
        ("sandbox", sandbox),
        ("disk", lambda: disk(cache)),
        ("memory", memory),
        ("Debian mirror", lambda: mirror(cache)),
    ]
    if acceleration:
        looks.append(("acceleration", acceleration))
    return list(_findings(looks))


def _findings(looks: list[tuple[str, Callable[[], Finding]]]) -> Iterator[Finding]:
    for name, look in looks:
        try:
            yield look()
        except SlipwayError as error:
            yield Finding(name, False, error.message, error.hint)


def tool(name: str) -> Finding:
    find(name)
    # Some say their version on the other output, which a shell folds into this one.
    said = run(["sh", "-c", '"$0" "$1" 2>&1', find(name), TOOLS[name]], timeout=20)
    version = VERSION.search(said)
    return Finding(name, True, version[0] if version else said.partition("\n")[0])


def grub() -> Finding:
    image = GRUB / "boot.img"
    if image.exists():
        return Finding("GRUB for BIOS", True, str(GRUB))
    return Finding("GRUB for BIOS", False, f"{image} is missing", "Install it: apt-get install grub-pc-bin")


def sandbox() -> Finding:
    """Machines run in namespaces of their own; whether those may be made is only known by making them."""
    argv = [
        "bwrap",
        "--unshare-all",
        "--uid",
        "0",
        "--gid",
        "0",
        "--cap-add",
        "CAP_NET_ADMIN",
        "--die-with-parent",
    ]
    argv += ["--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"]
    hint = (
        "Allow user namespaces: sysctl kernel.unprivileged_userns_clone=1 user.max_user_namespaces=10000; on "
        "Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0. A container must be started with these."
    )
    run([*argv, "--proc", "/proc", "--dev", "/dev", "/usr/bin/true"], timeout=20, hint=hint)
    return Finding("sandbox", True, "namespaces can be made")


def disk(cache: Path) -> Finding:
    place = next(path for path in (cache.absolute(), *cache.absolute().parents) if path.exists())
    if not os.access(place, os.W_OK):
        return Finding("disk", False, f"{place} cannot be written", f"Give it to the worker's user: chown -R … {place}")
    free = shutil.disk_usage(place).free
    seen = f"{free / GiB:.1f} GiB free in {place}"
    return Finding("disk", free >= DISK, seen, f"Make room: builds want {DISK // GiB} GiB." if free < DISK else "")


def memory() -> Finding:
    free = free_memory()
    hint = f"Builds want {MEMORY // GiB} GiB beside everything else on this machine." if free < MEMORY else ""
    return Finding("memory", free >= MEMORY, f"{free / GiB:.1f} GiB free", hint)


def mirror(cache: Path) -> Finding:
    url = f"{debian.mirror()}/dists/{debian.SUITES['12']}/InRelease"
    context = Context(build="doctor", work=cache, cache=cache, source=cache, console=Recorder())
    hint = "Set SLIPWAY_DEBIAN_MIRROR to a Debian mirror that this worker reaches, or http_proxy to its proxy."
    try:
        said = fetch(url, context)
    except SlipwayError as error:
        return Finding("Debian mirror", False, error.message, hint)
    version = re.search(rb"^Version: (\S+)", said, re.M)
    if not version:
        return Finding("Debian mirror", False, f"{url} is not Debian's", hint)
    return Finding("Debian mirror", True, f"{debian.mirror()} has Debian {version[1].decode()}")
