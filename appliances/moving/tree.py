"""A folder that a web server serves while it is written: everything appears whole, and nothing before what it needs."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from django.core.files.storage import default_storage

from builds.engine.errors import SlipwayError, WorkerError
from builds.models import Artifact
from builds.storage import BLOCK, NO_LINK

from .progress import Screen

LIST = ".slipway-mirror"
"""In the folder: which of its files are ours. Nobody else reads it: it names what is unlisted, too."""
FILE, FOLDER = 0o644, 0o755


@dataclass(frozen=True)
class Image:
    """An artifact's file, or a piece of it."""

    artifact: Artifact
    start: int
    size: int

    @classmethod
    def whole(cls, artifact: Artifact) -> Image:
        return cls(artifact, 0, artifact.size)

    @property
    def is_whole(self) -> bool:
        return self.size == self.artifact.size


class Refused(SlipwayError):  # noqa: N818
    """The folder is not one that may be written."""


class Tree:
    """`known`: paths that are ours, or may be: they are written down before anything of them exists."""

    def __init__(self, root: Path, known: set[str]) -> None:
        self._root = root
        self._known = known

    @classmethod
    @contextmanager
    def opened(cls, root: Path) -> Iterator[Tree]:
        """Nobody else writes into it meanwhile. Raises Refused when it holds what no export has put there."""
        make_folder(root)
        descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield cls(root, listed(root))
        except BlockingIOError:
            raise Refused(f"Another export writes into {root}.", hint="Wait for that one.") from None
        finally:
            os.close(descriptor)

    def expect(self, paths: Collection[str]) -> None:
        """These will be there. From now on they are ours to remove, also if this is broken off."""
        self._remember(self._known | set(paths))

    def place(self, path: str, image: Image, screen: Screen) -> bool:
        """Put an image there, linked where that is possible; False when it is there already.

        Its bytes never change under an address, and it got its name when it was whole.
        """
        target = self._target(path)
        with suppress(FileNotFoundError):
            if target.stat().st_size == image.size:
                return False
        make_folder(target.parent)
        part = part_of(target)
        part.unlink(missing_ok=True)
        if not (image.is_whole and link(image.artifact, part)):
            with screen.transfer(path) as hear:
                copy(image, part, hear)
        part.replace(target)
        return True

    def write(self, path: str, body: bytes) -> bool:
        """Put a document there, in the place of a former one; False when it says the same already."""
        target = self._target(path)
        with suppress(FileNotFoundError):
            if target.read_bytes() == body:
                return False
        make_folder(target.parent)
        put(target, body, FILE)
        return True

    def keep_only(self, paths: Collection[str]) -> int:
        """Remove what was ours and is none of these; returns how many files that were."""
        gone = 0
        for path in sorted(self._known - set(paths)):
            target = self._target(path)
            part_of(target).unlink(missing_ok=True)
            with suppress(FileNotFoundError):
                target.unlink()
                gone += 1
            for folder in target.relative_to(self._root).parents[:-1]:
                with suppress(OSError):  # not empty, or gone
                    (self._root / folder).rmdir()
        self._remember(set(paths))
        return gone

    def _remember(self, paths: set[str]) -> None:
        put(self._root / LIST, json.dumps(sorted(paths), indent=0).encode(), 0o600)
        self._known = paths

    def _target(self, path: str) -> Path:
        parts = PurePosixPath(path)
        if parts.is_absolute() or ".." in parts.parts or not parts.name or parts.parts[0] == LIST:
            raise ValueError(f"{path!r} is no path inside a mirror")
        return self._root / parts


def listed(root: Path) -> set[str]:
    try:
        return set(json.loads((root / LIST).read_bytes()))
    except FileNotFoundError:
        if any(each.name != part_of(root / LIST).name for each in root.iterdir()):
            hint = "Name a folder that is empty or does not exist, or one that an export made."
            raise Refused(f"{root} holds files that no export has put there.", hint=hint) from None
        return set()
    except (ValueError, TypeError):
        hint = "Export into a new folder, and let the web server change over to that one."
        raise Refused(f"{root / LIST} cannot be read.", hint=hint) from None


def part_of(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def put(target: Path, body: bytes, mode: int) -> None:
    part = part_of(target)
    part.unlink(missing_ok=True)
    part.write_bytes(body)
    part.chmod(mode)
    part.replace(target)


def make_folder(path: Path) -> None:
    """With its parents, readable to the web server whatever this process's umask is."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with suppress(FileExistsError):
        path.mkdir()
        path.chmod(FOLDER)


def link(artifact: Artifact, part: Path) -> bool:
    """The same bytes under a second name, where that is possible."""
    stored = default_storage.local_path(artifact.file)
    if stored is None:
        return False
    try:
        status = stored.stat()
        if status.st_size != artifact.size:
            raise damaged(artifact)
        if status.st_mode & 0o777 != FILE:
            return False  # a link has no mode of its own
        os.link(stored, part, follow_symlinks=False)
    except FileNotFoundError:
        raise missing(artifact) from None
    except OSError as error:
        if error.errno in NO_LINK:
            return False
        raise
    return True


def copy(image: Image, part: Path, hear: Callable[[int, int | None], None]) -> None:
    """Verified on the way."""
    artifact = image.artifact
    try:
        with default_storage.open(artifact.file) as stored, part.open("xb") as file:
            stored.seek(image.start)
            digest = hashlib.sha256()
            while block := stored.read(min(BLOCK, image.size - file.tell())):
                digest.update(block)
                file.write(block)
                hear(file.tell(), image.size)
            if file.tell() != image.size or (image.is_whole and digest.hexdigest() != artifact.sha256):
                raise damaged(artifact)
            file.flush()
            os.fsync(file.fileno())
        part.chmod(FILE)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, FileNotFoundError):
            raise missing(artifact) from None
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "Make room there, then run it again: it goes on from here."
            raise WorkerError(f"There is no room for {part.parent}.", hint=hint) from error
        raise


def missing(artifact: Artifact) -> SlipwayError:
    hint = "If it was removed just now, run it again; otherwise bring it back from a backup."
    return SlipwayError(f"The file of {artifact.name} is not in the storage: {artifact.file}.", hint=hint)


def damaged(artifact: Artifact) -> SlipwayError:
    hint = "Bring the right file back from a backup, or withdraw its release."
    return SlipwayError(f"The file of {artifact.name} is damaged in the storage: {artifact.file}.", hint=hint)
