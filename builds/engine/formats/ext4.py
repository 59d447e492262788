"""The root file system of a raw disk, changed in place by debugfs: no mount, no loop device, no root."""

from __future__ import annotations

import json
import re
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..command import run
from ..context import Context
from ..errors import BuildError

SUPERBLOCK = 1024  # bytes from the file system's start
MAGIC = 56, b"\x53\xef"  # offset in the superblock
INCOMPATIBLE = 0x60  # offset of the features that one has to know
NEEDS_RECOVERY = 0x4
STAT = re.compile(r"^Inode: \d+ +Type: (\S+) +Mode: +0?(\d+).*?^User: +(\d+) +Group: +(\d+)", re.MULTILINE | re.DOTALL)
FOLDER, FILE = "directory", "regular"


@dataclass(frozen=True)
class Stat:
    kind: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class Entry:
    """A folder (data None) or a file, as it shall be. A file is replaced, a folder keeps what is in it."""

    path: str
    mode: int
    uid: int = 0
    gid: int = 0
    data: bytes | None = None

    @property
    def stat(self) -> Stat:
        return Stat(FOLDER if self.data is None else FILE, self.mode, self.uid, self.gid)


class Ext4:
    """An ext2, ext3 or ext4 file system `offset` bytes into the raw disk `path`."""

    def __init__(self, path: Path, offset: int, context: Context) -> None:
        self._device = f"{path}?offset={offset}"
        self._context = context
        self._scratch = path.parent
        with path.open("rb") as disk:
            disk.seek(offset + SUPERBLOCK + INCOMPATIBLE)
            features = int.from_bytes(disk.read(4), "little")
        if features & NEEDS_RECOVERY:
            # At boot the guest would replay its journal over our changes.
            raise BuildError(
                "The machine's root file system was not unmounted: the machine was not shut down cleanly.",
                hint="Retry the build. If it happens again, the end of the console tells why.",
            )

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        """The content of those that exist and are files."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            self._run([f"dump {path} {number}" for number, path in enumerate(paths)], Path(folder))
            files = {path: Path(folder, str(number)) for number, path in enumerate(paths)}
            return {path: file.read_bytes() for path, file in files.items() if file.exists()}

    def stat(self, paths: Sequence[str]) -> dict[str, Stat]:
        """Kind, mode and owner of those that exist."""
        output = self._run([f"stat {path}" for path in paths], self._scratch)
        answers = re.split(r"^debugfs: +stat .*\n", output, flags=re.MULTILINE)[1:]
        found = ((path, STAT.search(answer)) for path, answer in zip(paths, answers, strict=True))
        return {path: Stat(match[1], int(match[2], 8), int(match[3]), int(match[4])) for path, match in found if match}

    def write(self, entries: Sequence[Entry]) -> None:
        """Make all entries so, in order. BuildError when the file system has no room for them."""
        there = self.stat([entry.path for entry in entries])
        with tempfile.TemporaryDirectory(dir=self._scratch) as name:
            folder = Path(name)
            commands = []
            for number, entry in enumerate(entries):
                if entry.data is not None:
                    (folder / str(number)).write_bytes(entry.data)
                    commands += [f"rm {entry.path}"] * (entry.path in there) + [f"write {number} {entry.path}"]
                elif entry.path not in there:
                    commands.append(f"mkdir {entry.path}")
                kind = 0o040000 if entry.data is None else 0o100000
                commands.append(f"set_inode_field {entry.path} mode 0{kind | entry.mode:o}")
                commands.append(f"set_inode_field {entry.path} uid {entry.uid}")
                commands.append(f"set_inode_field {entry.path} gid {entry.gid}")
            self._run(commands, folder, "-w")
        self._verify(entries)

    def _verify(self, entries: Sequence[Entry]) -> None:
        """debugfs goes on after errors and tells nobody, so look."""
        stats = self.stat([entry.path for entry in entries])
        files = {entry.path: entry.data for entry in entries if entry.data is not None}
        wrong = [entry.path for entry in entries if stats.get(entry.path) != entry.stat]
        if wrong or self.read(list(files)) != files:
            raise BuildError(
                f"The machine's root file system did not take {wrong[0] if wrong else 'the files'}.",
                hint="Give the template a larger `size.disk`: it is most likely full.",
            )

    def _run(self, commands: Sequence[str], folder: Path, *options: str) -> str:
        text = "".join(f"{command}\n" for command in commands)
        return run(["debugfs", *options, "-f", "-", self._device], self._context, cwd=folder, input=text.encode())


def find_root(path: Path, context: Context) -> Ext4:
    """The file system with /etc/passwd, on a partition or on the whole disk; BuildError when none has it."""
    for offset in _offsets(path, context):
        with path.open("rb") as disk:
            disk.seek(offset + SUPERBLOCK + MAGIC[0])
            if disk.read(2) != MAGIC[1]:
                continue
        root = Ext4(path, offset, context)
        if root.stat(["/etc/passwd"]):
            return root
    raise BuildError(
        "The machine's root is on no ext2, ext3 or ext4 file system: Vagrant's user cannot be added.",
        hint="Choose a base with an ext4 root and without LVM or encryption, or leave the box formats out.",
    )


def _offsets(path: Path, context: Context) -> Iterator[int]:
    yield 0
    # 1: there is no partition table.
    output = run(["sfdisk", "--json", path], context, allowed=(0, 1))
    table = json.loads(output)["partitiontable"] if output.strip() else {}
    for partition in table.get("partitions", ()):
        yield int(partition["start"]) * int(table.get("sectorsize", 512))
