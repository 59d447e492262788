"""Debian, made on the spot from a mirror: a small server that answers SSH soon after power-on.

`debian-root/` beside this file holds what the base has beyond its packages; `usr/lib/slipway/seed` in it says
how a machine learns its keys.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shlex
import shutil
import tarfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from pydantic import Field, field_validator

from ..command import find, run
from ..context import Context
from ..errors import BuildError, WorkerError
from ..image import Image
from ..plugin import Options
from ..reach import ANYWHERE
from .base import Base
from .disk import GRUB, make_disk
from .download import Unreachable, fetch
from .initrd import RECIPE as FIRST
from .initrd import write_initrd
from .store import keep, sha256

DEFAULT_MIRROR = "http://deb.debian.org/debian"
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SUITES = {"12": "bookworm"}
PACKAGES = """
    ca-certificates curl dbus fdisk grub2-common ifupdown initramfs-tools iproute2 isc-dhcp-client less
    linux-image-cloud-amd64 netbase openssh-server procps sudo systemd-sysv systemd-timesyncd udev zstd
""".split()  # noqa: SIM905 -- a list of one word a line says no more
SIZE = 2 << 30
"""Bytes of the disk. A machine with a larger one fills it when it starts."""
# For the machine that is built on, which lives for minutes and has no neighbours: no mitigations; an emulator can
# share its translated code among processes that lie at the same addresses; nobody reads what is audited; and who moves
# a process to another control group, as systemd does all the time, need not wait for all processors to come by.
APPEND = "quiet console=ttyS0,115200 net.ifnames=0 mitigations=off norandmaps audit=0 rcupdate.rcu_expedited=1"
TREE = Path(__file__).with_name("debian-root")
FINISH = (
    # Had it been there before, the kernel's installation would have run update-grub, which looks for a disk.
    'mv "$1/boot/grub/first.cfg" "$1/boot/grub/grub.cfg"',
    # In its own time: as a part of early boot it would keep everything else waiting.
    'rm "$1/etc/systemd/system/sysinit.target.wants/systemd-timesyncd.service"',
    # A machine makes its own host keys, and learns its name servers by DHCP.
    'rm -rf "$1"/etc/ssh/ssh_host_* "$1/etc/resolv.conf" "$1"/var/log/*.log "$1"/var/log/apt/*',
    'rm -f "$1"/var/cache/apt/archives/*.deb',
    # With the mirror's lists of packages goes what apt makes of them: what takes this host seconds takes an emulated
    # machine half a minute. They are those of the mirror's state that the base is kept for; sealing removes them.
    # The index is of files of a certain time, and mmdebstrap's archive has none that is later than its own start.
    'find "$1/var/lib/apt/lists" "$1/var/lib/dpkg/status" -type f -newermt "-1 day" -exec touch -d "-1 day" {} +',
    'chroot "$1" apt-cache gencaches',
)

# mmdebstrap's children outlive it: killed with its worker, it would leave them waiting for it for ever;
TOGETHER = ("setpriv", "--pdeathsig", "TERM", "--", "sh", "-c", 'trap "kill -KILL 0" TERM; "$@" & wait $!', "together")
# and, run by root, it would leave this host's /proc, /sys and /dev/shm mounted in a folder that is to be removed.
APART = ("unshare", "--mount", "--propagation", "private", "--")


def mirror() -> str:
    """Where Debian's packages come from: the operator's choice."""
    return os.environ.get("SLIPWAY_DEBIAN_MIRROR", DEFAULT_MIRROR).rstrip("/")


class DebianOptions(Options):
    debian: str = Field(description="Debian's version.", examples=["12"])
    packages: tuple[str, ...] = Field(default=(), description="Packages that the base has beyond its own.")

    @field_validator("debian", mode="before")
    @classmethod
    def _known(cls, value: object) -> str:
        if str(value) not in SUITES:
            raise ValueError(f"there is no base for Debian {value}; there is one for {', '.join(SUITES)}")
        return str(value)

    @field_validator("packages")
    @classmethod
    def _names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if not re.fullmatch(r"[a-z0-9][a-z0-9+.-]+", name):
                raise ValueError(f"{name!r} is not the name of a Debian package")
        return value


class Debian(Base):
    name: ClassVar[str] = "debian"
    label: ClassVar[str] = "Debian, made from the mirror"
    Options: ClassVar[type[Options]] = DebianOptions
    options: DebianOptions

    @property
    def title(self) -> str:
        return f"debian:{self.options.debian}"

    @property
    def suite(self) -> str:
        return SUITES[self.options.debian]

    @property
    def packages(self) -> list[str]:
        return sorted({*PACKAGES, *self.options.packages})

    def verify(self) -> None:
        tools = ["mmdebstrap", "sfdisk", "mke2fs", "grub-mkimage", "qemu-img"]
        for tool in tools if os.geteuid() == 0 else [*tools, "fakeroot", "newuidmap"]:
            find(tool)
        for path, package in ((GRUB / "boot.img", "grub-pc-bin"), (KEYRING, "debian-archive-keyring")):
            if not path.exists():
                raise WorkerError(f"{path} is missing on this worker.", hint=f"Install it: apt-get install {package}")

    def prepare(self, context: Context) -> Image:
        """The base for the mirror's present state; an earlier one when the mirror cannot be reached."""
        try:
            key = self.current(context)
        except Unreachable as error:
            key = _newest(context.cache / "bases", self._family, error)
            context.console.write(f"{error.message} Using the base that was made from it before.\n")
        folder = keep(key, lambda part, lock: self._make(part, lock, key, context), context)
        files = {"kernel": str(folder / "vmlinuz"), "initrd": str(folder / "initrd.img"), "append": APPEND}
        return Image("disk", folder / "disk.qcow2", details=json.loads((folder / "details.json").read_text()) | files)

    def current(self, context: Context) -> str:
        return f"{self._family}-{self._state(context)[:12]}"

    @property
    def _family(self) -> str:
        """What the bases that differ only in the mirror's state have in common."""
        recipe = _digest(mirror(), self.packages, APPEND, FINISH, SIZE, _sum(_tree()), *FIRST)
        return f"debian-{self.options.debian}-{recipe[:12]}"

    def _sources(self) -> dict[str, str]:
        """The suites and the mirrors that have them."""
        return {
            self.suite: mirror(),
            f"{self.suite}-updates": mirror(),
            f"{self.suite}-security": f"{mirror()}-security",
        }

    def _state(self, context: Context) -> str:
        """Changes when one of the mirror's packages does, not when it is signed again."""
        seen = []
        asked = replace(context, reach=ANYWHERE)  # the mirror is the operator's word, not the template's
        for suite, source in self._sources().items():
            url = f"{source}/dists/{suite}/InRelease"
            listed = re.search(rb"^ ([0-9a-f]{64}) +\d+ main/binary-amd64/Packages$", fetch(url, asked), re.M)
            if not listed:
                raise WorkerError(
                    f"{url} lists no packages for amd64.",
                    hint="SLIPWAY_DEBIAN_MIRROR must name a Debian mirror.",
                )
            seen.append(listed[1].decode())
        return _digest(*seen)

    def _make(self, part: Path, lock: int, key: str, context: Context) -> None:
        context.console.write(f"Making {self.title} from {mirror()} …\n")
        archive, tree = part / "root.tar", part / "tree.tar"
        tree.write_bytes(_tree())
        argv = [
            *TOGETHER,
            *(APART if os.geteuid() == 0 else ()),
            "mmdebstrap",
            "--variant=minbase",
            f"--include={','.join(self.packages)}",
        ]
        argv += [
            f"--setup-hook=tar-in {shlex.quote(str(tree))} /",
            *(f"--customize-hook={hook}" for hook in FINISH),
        ]
        argv += ["--skip=output/mknod", "--skip=cleanup/apt", self.suite, str(archive)]
        argv += [f"deb [signed-by={KEYRING}] {url} {suite} main" for suite, url in self._sources().items()]
        with _scratch(part) as scratch:
            try:
                run(argv, context, env={"TMPDIR": str(scratch)}, quiet=False, pass_fds=[lock])
            except WorkerError as error:
                if missing := re.search(r"Unable to locate package (\S+)", error.message):
                    raise BuildError(
                        f"Debian {self.options.debian} has no package {missing[1]}.",
                        hint="Mend base.packages.",
                    ) from error
                raise
        _extract(archive, {"vmlinuz": part / "vmlinuz"})
        write_initrd(archive, part / "initrd.img")
        disk = part / "disk.qcow2"
        make_disk(archive, disk, SIZE, identity=uuid.uuid5(uuid.NAMESPACE_OID, key), context=context)
        archive.unlink()
        tree.unlink()
        made = datetime.now(UTC).isoformat(timespec="seconds")
        details = {"digest": f"sha256:{sha256(disk, context)}", "made": made, "inputs": key}
        (part / "details.json").write_text(json.dumps(details))


def _sum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _tree() -> bytes:
    """`debian-root/` as an archive: the same bytes from every clone, everything root's."""
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w") as archive:
            for path in sorted(TREE.rglob("*")):
                entry = archive.gettarinfo(path, str(path.relative_to(TREE)))
                entry.uid = entry.gid = entry.mtime = 0
                entry.uname = entry.gname = "root"
                entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
                archive.addfile(entry, io.BytesIO(path.read_bytes()) if entry.isfile() else None)
        return file.getvalue()


@contextmanager
def _scratch(part: Path) -> Iterator[Path]:
    """Where mmdebstrap works. Killed, it leaves files that an ordinary user cannot remove alone."""
    if os.geteuid() == 0:
        yield part
        return
    folder = Path("/var/tmp", f"slipway-{os.getuid()}{part.name}")  # noqa: S108 -- must be open to its other ids
    _remove(folder)
    folder.mkdir()
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """First what belongs to the user's other ids, which fails on what is the user's own; then that."""
    if folder.exists():
        inside = [str(folder), "-xdev", "-mindepth", "1"]
        run(["mmdebstrap", "--unshare-helper", "find", *inside, "-delete"], allowed=range(256))
        shutil.rmtree(folder)


def _extract(archive: Path, wanted: dict[str, Path]) -> None:
    """Copy files that stand, or are linked to, at the top of the archive."""
    with tarfile.open(archive) as tar:
        members = {member.name.removeprefix("./"): member for member in tar}
        for name, target in wanted.items():
            member = members[name]
            while member.issym():
                member = members[member.linkname.lstrip("/")]
            source = tar.extractfile(member)
            assert source is not None, f"{name} is not a file"  # noqa: S101 -- the kernel's package made it
            with source, target.open("wb") as file:
                shutil.copyfileobj(source, file)


def _newest(bases: Path, family: str, error: Unreachable) -> str:
    made = {path: (path / "details.json").read_text() for path in bases.glob(f"{family}-*")}
    if not made:
        raise Unreachable(
            f"{error.message} There is no earlier base to use instead.",
            hint="Set SLIPWAY_DEBIAN_MIRROR to a Debian mirror that this worker reaches, then retry.",
        ) from error
    return max(made, key=lambda path: str(json.loads(made[path])["made"])).name
