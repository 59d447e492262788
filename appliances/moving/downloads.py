"""Large files from another server: gone on with where they were broken off, never trusted before their checksum."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.core.exceptions import ValidationError
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from builds.engine.errors import BuildError, SlipwayError, WorkerError

from .web import PAUSES, Unreachable, Web, reason, shown

CHUNK = 1 << 20
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)
KEPT = 30 * 24 * 3600
"""Seconds for which the beginning of a file is kept that nobody goes on with."""


class Wrong(BuildError):  # noqa: N818
    """What came is not what was declared."""


class Busy(SlipwayError):  # noqa: N818
    """Another import brings the same file at this moment."""


@dataclass(frozen=True)
class Wanted:
    url: str
    name: str
    """What it is called here for good, however its address is signed today."""
    sum: tuple[str, str] = ("", "")
    """(type, hex digits); empty: nobody knows."""


class Downloads:
    """Files on their way; each has its beginning in `folder` until `taken()`."""

    def __init__(self, folder: Path, web: Web) -> None:
        self._folder = folder
        self._web = web

    @contextmanager
    def fetched(self, wanted: Wanted, hear: Callable[[int, int | None], None]) -> Iterator[BinaryIO]:
        """The whole file, verified, at its first byte. It is removed when the block takes or refuses it.

        `hear` is told how many bytes are there, and of how many. Raises Wrong, Denied, Unreachable or Busy.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / f"{hashlib.sha256(wanted.name.encode()).hexdigest()[:32]}.part"
        with opened(part) as file:
            resumed = os.fstat(file.fileno()).st_size > 0
            self._bring(wanted, file, part, hear)
            if resumed and not right(file, wanted.sum):
                # Only its checksum tells that the beginning was another file's.
                file.truncate(0)
                self._bring(wanted, file, part, hear)
            if not right(file, wanted.sum):
                remove(part)
                kind, digits = wanted.sum
                found = digest(file, kind)
                raise Wrong(
                    f"Its {kind} is {found}, not {digits} as declared.",
                    hint="The file there is damaged, or what is declared is wrong: have it mended there.",
                )
            file.seek(0)
            try:
                yield file
            except WorkerError:
                raise
            except (SlipwayError, ValidationError):
                remove(part)  # it is refused for what it is
                raise
            remove(part)

    def sweep(self) -> None:
        """Remove what nobody has gone on with for long."""
        for path in self._folder.glob("*.part*"):
            if path.stat().st_mtime < time.time() - KEPT:
                path.unlink(missing_ok=True)

    def _bring(self, wanted: Wanted, file: BinaryIO, part: Path, hear: Callable[[int, int | None], None]) -> None:
        pauses, most = iter(PAUSES), file.seek(0, os.SEEK_END)
        while True:
            try:
                return self._rest(wanted.url, file, tag_of(part), hear)
            except (HTTPError, OSError) as error:
                if isinstance(error, OSError) and error.errno in UNWRITABLE:
                    hint = "Make room there, then run it again: it goes on from here."
                    raise WorkerError(f"{part.parent} cannot be written: {error.strerror}.", hint=hint) from error
                why = reason(error)
            if file.tell() > most:
                pauses, most = iter(PAUSES), file.tell()
            pause = next(pauses, None)
            if pause is None:
                hint = "Run it again later: it goes on from here."
                raise Unreachable(f"{shown(wanted.url)} breaks off again and again: {why}.", hint=hint)
            self._web.say(f"{why}; going on in {pause:.0f} s")
            time.sleep(pause)

    def _rest(self, url: str, file: BinaryIO, tag: Path, hear: Callable[[int, int | None], None]) -> None:
        known = tag.read_text() if tag.exists() else ""
        offset = file.seek(0, os.SEEK_END)
        headers = {"Accept": "*/*"}
        if offset and known:
            headers |= {"Range": f"bytes={offset}-", "If-Range": known}
        response = self._web.open(url, headers)
        try:
            first, total = extent(response)
            if response.status == 416 and total == offset:
                return
            if response.status == 416 or first not in (0, offset):
                file.truncate(0)
                raise HTTPError("the server has a different file now")
            file.truncate(first)
            file.seek(first)
            if not first:
                tag.write_text(validator(response))
            make_room(total, first, tag.parent)
            hear(file.tell(), total)
            while data := response.read1(CHUNK):
                file.write(data)
                hear(file.tell(), total)
            if file.tell() < (total or 0):
                raise HTTPError("the answer ended early")
            file.flush()
            os.fsync(file.fileno())
        finally:
            response.close()


@contextmanager
def opened(part: Path) -> Iterator[BinaryIO]:
    """For reading and writing, by nobody else."""
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Busy("Another import is bringing it.", hint="Wait for that one.") from None
        yield file


def tag_of(part: Path) -> Path:
    """What the server called the file of which the beginning is there."""
    return part.with_suffix(".part-of")


def remove(part: Path) -> None:
    tag_of(part).unlink(missing_ok=True)
    part.unlink(missing_ok=True)


def validator(response: BaseHTTPResponse) -> str:
    """What If-Range takes: a strong ETag, or else the date. Empty when a file cannot be gone on with."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified", "")


def extent(response: BaseHTTPResponse) -> tuple[int, int | None]:
    """Where the answer's bytes begin in the file, and how large the whole file is, if it says so."""
    known = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if known:
        return int(known[1] or 0), None if known[2] == "*" else int(known[2])
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdecimal() and response.status == 200 else None


def make_room(total: int | None, first: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if total is not None and total - first > free:
        raise WorkerError(
            f"{(total - first) >> 20} MiB are to come, and {folder} has room for {free >> 20} MiB.",
            hint="Make room there, then run it again: it goes on from here.",
        )


def right(file: BinaryIO, wanted: tuple[str, str]) -> bool:
    kind, digits = wanted
    return not digits or digest(file, kind) == digits


def digest(file: BinaryIO, kind: str) -> str:
    file.seek(0)
    return hashlib.file_digest(file, kind).hexdigest()
