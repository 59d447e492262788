"""The members of a tar from whom one does not know, one after another, in little memory.

Python's own reader takes a damaged header for the end of the archive, and reads a long name of any length.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ..source.archives import BROKEN, DECOMPRESSORS, Readable, decompressed
from .errors import Unreadable
from .limits import Limits

BLOCK = tarfile.BLOCKSIZE
CHUNK = 2**20
AGAIN = "Make the box again, and upload it again."
OTHERS = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"Rar!\x1a\x07": "a RAR archive",
}
NAMES = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"BZh": "bzip2"}
KINDS = {
    **dict.fromkeys((tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE, tarfile.GNUTYPE_SPARSE), "file"),
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "link",
    tarfile.LNKTYPE: "hard link",
    tarfile.CHRTYPE: "character device",
    tarfile.BLKTYPE: "block device",
    tarfile.FIFOTYPE: "pipe",
}
LONG = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
DAMAGE: tuple[type[Exception], ...] = (*BROKEN, ValueError)
RECORD = re.compile(rb"(\d{1,7}) ([^=]+)=")


@dataclass(frozen=True)
class Member:
    name: str
    """As the archive has it."""
    kind: str
    """file, folder, link, hard link, or what no box needs."""
    size: int
    target: str
    """Of a link."""


class Content:
    """The bytes of one member, as far as they are asked for."""

    def __init__(self, read: Callable[[int], bytes], size: int, *, from_start: bool) -> None:
        self._read, self._left = read, size
        self.from_start = from_start
        """False: of a file with holes, and the first of its bytes are one."""

    def read(self, size: int) -> bytes:
        data = self._read(min(size, self._left))
        self._left -= len(data)
        return data

    def skip(self) -> None:
        while self._left:
            self.read(CHUNK)


class Archive:
    """`for member, content in archive`: each content is read, or skipped, before the next member comes."""

    def __init__(self, stream: Readable, limits: Limits) -> None:
        self._source = _Counting(stream)
        self._limits = limits
        self._rest = b""
        self.unpacked = 0
        self.compression = ""
        self._chunks = self._open()

    def __iter__(self) -> Iterator[tuple[Member, Content]]:
        with _explained():
            yield from self._members()
        while self._piece():  # a checksum at the end of what is compressed is still to come
            pass

    def _open(self) -> Iterator[bytes]:
        start = self._source.read(BLOCK)
        while len(start) < BLOCK and (more := self._source.read(BLOCK - len(start))):
            start += more
        self._source.back(start)
        for magic, what in OTHERS.items():
            if start.startswith(magic):
                raise Unreadable(f"The file is {what}, not a tar.", "Pack the box with `tar -czf`, as Vagrant does.")
        for magic, new in DECOMPRESSORS.items():
            if start.startswith(magic):
                self.compression = NAMES[magic]
                return decompressed(self._source, new)
        if start[257:262] == b"ustar" or _is_old_tar(start):
            return iter(lambda: self._source.read(CHUNK), b"")
        raise Unreadable("The file is no tar archive, so it is no box.", "Upload the .box file itself.")

    def _members(self) -> Iterator[tuple[Member, Content]]:
        said: dict[str, str] = {}
        while True:
            block = self._exactly(BLOCK)
            if not block.strip(b"\0"):
                return
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            if info.size < 0:
                raise ValueError(f"{info.name!r} has a size below zero")
            if info.type in LONG:
                said[LONG[info.type]] = _text(self._header(info).partition(b"\0")[0])
                continue
            if info.type in PAX or info.type == tarfile.XGLTYPE:
                records = _records(self._header(info))
                said |= records if info.type in PAX else {}
                continue
            yield from self._member(info, said)
            said = {}

    def _member(self, info: tarfile.TarInfo, said: dict[str, str]) -> Iterator[tuple[Member, Content]]:
        size = _number(said.get("size", str(info.size)))
        kind = KINDS.get(info.type, "thing of an unknown kind")
        name = said.get("GNU.sparse.name", said.get("path", info.name))
        from_start = not any(key.startswith("GNU.sparse.") for key in said)
        real = _number(said.get("GNU.sparse.realsize", said.get("GNU.sparse.size", str(size))))
        if info.type == tarfile.GNUTYPE_SPARSE:
            real, from_start = self._holes(info)
        stored = size if kind == "file" else 0
        content = Content(self._exactly, stored, from_start=from_start)
        yield Member(name, kind, real, said.get("linkpath", info.linkname)), content
        content.skip()
        self._exactly(-stored % BLOCK)

    def _holes(self, info: tarfile.TarInfo) -> tuple[int, bool]:
        """The whole size of a file that is stored without its holes, and whether it begins with none."""
        structs, extended, real = info._sparse_structs  # type: ignore[attr-defined]
        while extended:
            extended = bool(self._exactly(BLOCK)[504])
        return real, bool(structs) and structs[0][0] == 0

    def _header(self, info: tarfile.TarInfo) -> bytes:
        if info.size > self._limits.header:
            raise Unreadable(f"The archive has a header of {info.size:,} bytes.", AGAIN)
        data = self._exactly(info.size)
        self._exactly(-info.size % BLOCK)
        return data

    def _exactly(self, size: int) -> bytes:
        while len(self._rest) < size:
            piece = self._piece()
            if not piece:
                raise _cut_off()
            self._rest += piece
        data, self._rest = self._rest[:size], self._rest[size:]
        return data

    def _piece(self) -> bytes:
        with _explained():
            piece = next(self._chunks, b"")
        self.unpacked += len(piece)
        sent, limits = self._source.count, self._limits
        if self.unpacked > limits.unpacked:
            raise Unreadable(
                f"The box unpacks to more than {limits.unpacked:,} bytes.",
                "Make its disk smaller, or have SLIPWAY_UNPACKED_LIMIT raised.",
            )
        if self.unpacked > limits.slack + limits.ratio * sent:
            raise Unreadable(
                f"The first {sent:,} bytes unpack to more than {self.unpacked:,}: no box is packed so well.",
                "Make its disk sparse, such as qcow2, and pack the box again.",
            )
        return piece


class _Counting:
    """How much was read of it."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._back = stream, b""
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        if self._back:
            data, self._back = self._back[:size], self._back[size:]
        else:
            data = self._stream.read(size)
        self.count += len(data)
        return data

    def back(self, data: bytes) -> None:
        self._back = data
        self.count -= len(data)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except EOFError:
        raise _cut_off() from None
    except DAMAGE as error:
        if isinstance(error, OSError) and error.errno:
            raise  # the storage, not the archive
        raise Unreadable(f"The archive is damaged: {error}.", AGAIN) from error


def _cut_off() -> Unreadable:
    return Unreadable("The archive ends too early.", "It was cut off: upload it again.")


def _is_old_tar(start: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(start, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _records(data: bytes) -> dict[str, str]:
    """The records of a PAX header: "30 path=box.img\\n"."""
    records = {}
    place = 0
    while place < len(data) and data[place]:
        found = RECORD.match(data, place)
        if not found:
            raise ValueError("an extended header cannot be read")
        end = place + int(found[1])
        if end <= found.end() or data[end - 1 : end] != b"\n":
            raise ValueError("an extended header cannot be read")
        records[_text(found[2])] = _text(data[found.end() : end - 1])
        place = end
    return records


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise ValueError(f"{text[:30]!r} is no size")
    return int(text)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
