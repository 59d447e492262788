"""A source that was uploaded as one file: tar (plain, gzip, xz, bzip2) or zip, known by its content."""

from __future__ import annotations

import bz2
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol

from isal import igzip_lib

from ..errors import SourceError
from .folder import TEMPLATE, fresh
from .unpack import CHUNK, TOTAL, Unpacking


class Readable(Protocol):
    def read(self, size: int = ..., /) -> bytes: ...


HEADER = 2**20  # bytes that one tar header may take: long names and extended attributes
XZ_MEMORY = 128 * 2**20  # bytes; `xz -9` makes its reader need 65 MiB
BROKEN: tuple[type[Exception], ...] = (
    tarfile.TarError,
    zipfile.BadZipFile,
    EOFError,
    OSError,
    lzma.LZMAError,
    zlib.error,
    igzip_lib.IsalError,  # type: ignore[assignment]
)


def archive(path: Path, target: Path) -> None:
    """Unpack into the new folder `target`, or leave none. SourceError for what leads outside or is too much.

    Where everything lies in one folder with an appliance.yaml, as in what forges offer, that is the source.
    """
    with path.open("rb") as file, fresh(target):
        unpacking = Unpacking(target)
        try:
            _unpack(file, unpacking)
            unpacking.finish()
        except (FileExistsError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
            raise SourceError(
                f"The archive contradicts itself at {_relative(error.filename, target)}: {error.strerror}.",
                hint="Make the archive again: one name cannot be both a file and a folder.",
            ) from None
        except BROKEN as error:
            if isinstance(error, OSError) and error.errno:
                raise  # this worker's disk, not the archive
            raise SourceError(f"The archive is broken: {error}", hint="Make it again and upload it again.") from error
        lift(target)


def _unpack(file: IO[bytes], unpacking: Unpacking) -> None:
    start = file.read(512)
    file.seek(0)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip(file, unpacking)
    for magic, decompressor in DECOMPRESSORS.items():
        if start.startswith(magic):
            return _tar(decompressed(file, decompressor), unpacking)
    if start[257:262] == b"ustar" or not start.strip(b"\0"):
        return _tar(iter(lambda: file.read(CHUNK), b""), unpacking)
    raise SourceError(
        "The file is not an archive that Slipway reads.",
        hint="Upload a .tar, .tar.gz, .tar.xz, .tar.bz2 or .zip file.",
    )


def _tar(chunks: Iterator[bytes], unpacking: Unpacking) -> None:
    with tarfile.open(fileobj=_Forward(chunks), mode="r:", encoding="utf-8") as tar:
        for member in tar:
            if member.isdir():
                unpacking.folder(member.name)
            elif member.isreg():
                content = tar.extractfile(member)
                unpacking.file(member.name, member.mode, content or io.BytesIO())
            elif member.issym():
                unpacking.link(member.name, member.linkname)
            elif member.islnk():
                unpacking.copy(member.name, member.linkname, member.mode)
            else:
                unpacking.refuse(member.name)


def _zip(file: IO[bytes], unpacking: Unpacking) -> None:
    with zipfile.ZipFile(file) as archive_:
        for entry in archive_.infolist():
            mode = entry.external_attr >> 16
            if entry.flag_bits & 1:
                raise SourceError(f"{entry.filename} is encrypted.", hint="Make the archive without a password.")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise SourceError(f"{entry.filename} is compressed in a rare way.", hint="Use `zip` as it is, or tar.")
            if entry.is_dir():
                unpacking.folder(entry.filename)
                continue
            with archive_.open(entry) as content:
                if stat.S_ISLNK(mode):
                    unpacking.link(entry.filename, content.read(4096).decode("utf-8", "surrogateescape"))
                elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
                    unpacking.file(entry.filename, mode or 0o644, content)
                else:
                    unpacking.refuse(entry.filename)


def decompressed(file: Readable, new: Callable[[], Any]) -> Iterator[bytes]:
    """Pieces of at most 1 MiB, however well it was compressed. Several streams in a row count as one."""
    decompressor, data = new(), b""
    while True:
        if decompressor.eof:
            data = (decompressor.unused_data or file.read(CHUNK)).lstrip(b"\0")
            if not data:
                return
            decompressor = new()
        elif decompressor.needs_input and not data:
            data = file.read(CHUNK)
            if not data:
                raise EOFError("it ends too early")
        piece = decompressor.decompress(data, CHUNK)
        data = b""
        if piece:
            yield piece


DECOMPRESSORS: dict[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP),
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(memlimit=XZ_MEMORY),
    b"BZh": bz2.BZ2Decompressor,
}


class _Forward(io.RawIOBase):
    """What tarfile reads once from start to end. Stops archives whose headers alone would fill the memory."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self._rest = b""
        self._position = 0

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= max(HEADER, CHUNK):
            raise SourceError("The archive has a header of more than 1 MiB.", hint="Make the archive again.")
        while len(self._rest) < size and (chunk := next(self._chunks, b"")):
            self._rest += chunk
        data, self._rest = self._rest[:size], self._rest[size:]
        self._position += len(data)
        if self._position > 2 * TOTAL:
            raise SourceError("The archive unpacks to more than 4 GiB.", hint="Leave large files out of it.")
        return data

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence != io.SEEK_SET or offset < self._position:
            raise tarfile.ReadError("its parts are out of order")
        while self._position < offset and self.read(min(CHUNK, offset - self._position)):
            pass
        return self._position


def lift(target: Path) -> None:
    """Make the only folder the source itself when it holds the template."""
    entries = list(target.iterdir())
    if len(entries) == 1 and not entries[0].is_symlink() and (entries[0] / TEMPLATE).is_file():
        top = entries[0].rename(target.with_name(target.name + ".top"))
        target.rmdir()
        top.rename(target)


def _relative(path: object, target: Path) -> str:
    found = Path(str(path))
    return found.relative_to(target).as_posix() if found.is_relative_to(target) else found.name
