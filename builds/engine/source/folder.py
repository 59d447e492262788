"""A source that is laid out in a folder, and the rules that keep everything inside it."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from ..errors import SourceError

TEMPLATE = "appliance.yaml"
TEMPLATE_LIMIT = 2**20  # bytes
LINK = "Replace the link with what it points to, or remove it."
PLAIN = "Leave device files, pipes and sockets out of the source."


def parts(path: str) -> tuple[str, ...]:
    """A path in a source, cut at the slashes. SourceError for "..", absolute paths and what is no name."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or "\0" in path:
        raise SourceError(
            f"The path {path!r} leads out of the source.",
            hint="Use a path relative to the source's top folder, without `..`.",
        )
    if any(len(os.fsencode(part)) > 255 for part in pure.parts) or len(os.fsencode(path)) > 2000:
        raise SourceError(f"The path {path[:60]!r}… is too long.", hint="Use shorter names.")
    return pure.parts


def inside(source: Path, path: str) -> Path:
    """The file or folder of that path. SourceError when it is missing, leads out or is a device."""
    found = source.joinpath(*parts(path))
    try:
        real = found.resolve(strict=True)
    except (FileNotFoundError, NotADirectoryError):
        raise SourceError(
            f"The source has no file or folder {path!r}.",
            hint="Add it to `files` in the template, to the archive or to the repository.",
        ) from None
    except (OSError, RuntimeError) as error:
        raise SourceError(f"The path {path!r} cannot be followed: {error}") from None
    if not real.is_relative_to(source.resolve()):
        raise SourceError(f"The path {path!r} leads out of the source.", hint=LINK)
    if not (real.is_file() or real.is_dir()):
        raise SourceError(
            f"The path {path!r} is not a file or a folder.",
            hint=PLAIN,
        )
    return real


def inline(files: Mapping[str, str], target: Path) -> None:
    """Write the template's own `files` into the folder, over what an archive or a repository brought.

    Those that begin with "#!" become executable. Raises SourceError.
    """
    target.mkdir(parents=True, exist_ok=True)
    root = target.resolve()
    for name, content in files.items():
        *folders, last = parts(name) or ("",)
        folder = root.joinpath(*folders)
        if not last or not folder.resolve().is_relative_to(root):
            raise SourceError(f"The path {name!r} leads out of the source.")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _replace(folder / last, content.encode(), 0o755 if content.startswith("#!") else 0o644)
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            raise SourceError(
                f"{name!r} cannot be written: one name is both a file and a folder.",
                hint="Rename one of the two.",
            ) from None


def _replace(path: Path, content: bytes, mode: int) -> None:
    """Write a whole file or none, and never through a link."""
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(content)
            file.flush()
            temporary.chmod(mode)
            temporary.replace(path)
        except BaseException:
            temporary.unlink()
            raise


def listing(source: Path) -> frozenset[str]:
    """Every file and folder of the source as a relative path: what `Template.problems` wants to know."""
    return frozenset(path.relative_to(source).as_posix() for path in source.rglob("*"))


def read_template(source: Path) -> str | None:
    """The source's own appliance.yaml, or None. SourceError when it is not text or over 1 MiB."""
    if not (source / TEMPLATE).is_file():
        return None
    with inside(source, TEMPLATE).open("rb") as file:
        data = file.read(TEMPLATE_LIMIT + 1)
    if len(data) > TEMPLATE_LIMIT:
        raise SourceError(f"{TEMPLATE} is larger than 1 MiB.", hint="Move long texts into files beside it.")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise SourceError(f"{TEMPLATE} is not UTF-8: {error}", hint="Save it as UTF-8.") from None


@contextmanager
def fresh(target: Path) -> Iterator[Path]:
    """A new folder that is gone again when filling it fails. Links that lead out of it count as a failure."""
    target.mkdir(parents=True)
    try:
        yield target
        refuse_links_out(target)
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise


def refuse_links_out(root: Path) -> None:
    """SourceError for links that end outside, be it through others, and for what is no file or folder."""
    real = root.resolve()
    for path in root.rglob("*"):
        mode = path.lstat().st_mode
        name = path.relative_to(root).as_posix()
        if stat.S_ISLNK(mode):
            try:
                ends_inside = path.resolve().is_relative_to(real)
            except (OSError, RuntimeError):  # a loop
                ends_inside = False
            if not ends_inside or path.readlink().is_absolute():
                raise SourceError(
                    f"The link {name} -> {path.readlink()} leads out of the source.",
                    hint=LINK,
                )
        elif not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise SourceError(f"{name} is not a file, a folder or a link.", hint=PLAIN)
