"""Writes what an archive holds into a folder, by rules that no archive can talk its way around."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import IO

from ..errors import SourceError
from .folder import PLAIN, parts

FILES = 10_000
TOTAL = 2 * 2**30  # bytes
ONE = 2**30  # bytes a file
CHUNK = 2**20


class Unpacking:
    """Counts what is really written, whatever the archive says. Links come last: none is written through."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._count = 0
        self._total = 0
        self._links: dict[Path, str] = {}

    def folder(self, name: str) -> None:
        path = self._place(name)
        if path.is_dir():
            self._counted()
        self._make(path)

    def file(self, name: str, mode: int, content: IO[bytes]) -> None:
        """Permissions are kept, but nothing is setuid, and only its owner may write it."""
        path = self._place(name)
        self._counted()
        self._make(path.parent)
        path.unlink(missing_ok=True)  # a later entry of the same name wins
        self._links.pop(path, None)
        written = 0
        with path.open("xb") as file:
            while data := content.read(CHUNK):
                written += len(data)
                self._total += len(data)
                if written > ONE:
                    raise SourceError(f"{name} is larger than 1 GiB.", hint="Let a provisioner download it.")
                if self._total > TOTAL:
                    raise SourceError("The source takes more than 2 GiB.", hint="Leave large files out of it.")
                file.write(data)
        path.chmod(stat.S_IMODE(mode) & 0o755 | 0o600)

    def copy(self, name: str, original: str, mode: int) -> None:
        """A hard link: a second copy, so that changing one later does not change both."""
        source = self._root.joinpath(*parts(original))
        if not source.is_file() or source == self._root.joinpath(*parts(name)):
            raise SourceError(
                f"The hard link {name} -> {original} leads to nothing that the archive held before it.",
                hint="Make the archive again, with `tar --hard-dereference`.",
            )
        with source.open("rb") as content:
            self.file(name, mode, content)

    def link(self, name: str, target: str) -> None:
        self._counted()
        self._links[self._place(name)] = target

    def refuse(self, name: str) -> None:
        raise SourceError(
            f"{name} is not a file, a folder or a link.",
            hint=PLAIN,
        )

    def finish(self) -> None:
        for path, target in self._links.items():
            if self._links.keys() & set(path.parents) or path.is_dir() or not target or "\0" in target:
                name = path.relative_to(self._root)
                raise SourceError(f"The link {name} cannot be made.", hint="Make the archive again.")
            self._make(path.parent)
            path.unlink(missing_ok=True)
            path.symlink_to(target)

    def _place(self, name: str) -> Path:
        return self._root.joinpath(*parts(name))

    def _make(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make(folder.parent)
            self._counted()
            folder.mkdir()

    def _counted(self) -> None:
        self._count += 1
        if self._count > FILES:
            raise SourceError(f"The source has more than {FILES:,} files.", hint="Leave out what no build needs.")
