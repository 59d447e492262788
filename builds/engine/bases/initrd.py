"""The initial RAM disk of the machine that is built on: as little as finds its disk, out of the base's own files."""

from __future__ import annotations

import stat
import tarfile
from collections.abc import Iterator
from pathlib import Path

INIT = Path(__file__).parent / "debian-build" / "init"
PROGRAMS = ("insmod", "ln", "mkdir", "mount", "run-init", "sh", "sleep")
"""Of klibc: they need nothing beside them but its one library."""
MODULES = ("virtio_pci", "virtio_blk", "ext4")
"""Those that the kernel does not have built in."""
RECIPE = (INIT.read_text(), PROGRAMS, MODULES)
"""What it is made by: another one makes another base."""
FOLDERS = ("bin", "dev", "lib", "modules", "proc", "root", "run", "sys")


def write_initrd(archive: Path, target: Path) -> None:
    """`archive` is a tar of a Debian system with one kernel and klibc's programs."""
    with tarfile.open(archive) as tar:
        members = {member.name.removeprefix("./"): member for member in tar}

        def read(path: str) -> bytes:
            source = tar.extractfile(members[path])
            assert source is not None, f"{path} is not a file"  # noqa: S101 -- Debian's packages made it
            with source:
                return source.read()

        library = next(path for path in members if path.startswith(("lib/klibc-", "usr/lib/klibc-")))
        listed = next(path for path in members if path.endswith("/modules.dep"))
        files = {"init": INIT.read_bytes(), f"lib/{Path(library).name}": read(library)}
        files |= {f"bin/{name}": read(f"usr/lib/klibc/bin/{name}") for name in PROGRAMS}
        for number, module in enumerate(in_order(read(listed).decode())):
            files[f"modules/{number:02}-{Path(module).name}"] = read(f"{Path(listed).parent}/{module}")
    target.write_bytes(b"".join(cpio(files)))


def in_order(listed: str) -> list[str]:
    """The files of the modules, each behind what it depends on; `listed` is a modules.dep."""
    depends = {file: needs.split() for file, _, needs in (line.partition(":") for line in listed.splitlines())}
    wanted = [file for name in MODULES for file in depends if Path(file).name == f"{name}.ko"]
    return list(dict.fromkeys(each for file in wanted for each in [*reversed(depends[file]), file]))


def cpio(files: dict[str, bytes]) -> Iterator[bytes]:
    """An archive as the kernel unpacks it ("newc")."""
    for number, name in enumerate(FOLDERS, start=1):
        yield entry(number, name, stat.S_IFDIR | 0o755, b"")
    for number, (name, data) in enumerate(files.items(), start=len(FOLDERS) + 1):
        yield entry(number, name, stat.S_IFREG | 0o755, data)
    yield entry(0, "TRAILER!!!", 0, b"")


def entry(number: int, name: str, mode: int, data: bytes) -> bytes:
    fields = (number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    header = "070701" + "".join(f"{field:08x}" for field in fields) + name + "\0"
    return _padded(header.encode()) + _padded(data)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
