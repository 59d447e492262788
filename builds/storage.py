"""Where finished files are kept: a folder, or anything that speaks S3. A key is written once and never changes."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol

from boto3.exceptions import Boto3Error
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.storage import FileSystemStorage
from storages.backends.s3 import S3Storage as DjangoS3Storage

from .engine.errors import WorkerError

BLOCK = 1024 * 1024
PART = 16 * 1024 * 1024  # bytes: S3 takes at most 10,000 parts
UNKNOWN_SIZE = 128 * 1024**3  # bytes: how much a stream may hold that does not say
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# A link is not possible: another file system, another owner, or a file system without links.
NO_LINK = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS)


class Readable(Protocol):
    """A file, a socket, a request: whatever can be read once from its beginning."""

    def read(self, size: int = ..., /) -> bytes: ...


@dataclass(frozen=True)
class Stored:
    """What was stored: bytes, and SHA-256 in hex."""

    size: int
    sha256: str


@dataclass
class HashingReader:
    """Reads a file once, front to back, and hashes what passes by. `advance` hears of each block's bytes."""

    file: Readable
    advance: Callable[[int], None] = lambda _: None
    size: int = 0
    _hash: Any = field(default_factory=hashlib.sha256)

    def read(self, size: int = -1) -> bytes:
        block = self.file.read(size)
        self._hash.update(block)
        self.size += len(block)
        self.advance(len(block))
        return block

    @property
    def stored(self) -> Stored:
        return Stored(self.size, self._hash.hexdigest())


class FileStorage(FileSystemStorage):
    """A folder. What is stored on the same file system is linked, not copied."""

    def put(self, source: Path, key: str, advance: Callable[[int], None] = lambda _: None) -> Stored:
        """Store the file under a key that is not in use. It appears whole, or not at all.

        Raises WorkerError when the disk is full.
        """
        with self._appearing(key) as part, source.open("rb") as file:
            reader = HashingReader(file, advance)
            if _link(source, part):
                while reader.read(BLOCK):
                    pass
                os.fsync(file.fileno())
            else:
                _copy(reader, part)
        return reader.stored

    def put_stream(self, stream: Readable, key: str, *, size: int | None = None) -> Stored:  # noqa: ARG002
        """Store what can be read once, as it comes; otherwise like `put`. `size`: about how much, if known."""
        reader = HashingReader(stream)
        with self._appearing(key) as part:
            _copy(reader, part)
        return reader.stored

    def stream(self, key: str) -> IO[bytes]:
        """What is stored, to be read once from its beginning; the caller closes it."""
        return Path(self.path(key)).open("rb")

    @contextmanager
    def _appearing(self, key: str) -> Iterator[Path]:
        """The path to which the block writes; its file gets the key's name when the block ends well."""
        target = Path(self.path(key))
        part = target.with_name(f".{target.name}.part")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            yield part
            part.chmod(0o644)
            if target.exists():
                raise FileExistsError(errno.EEXIST, "A stored file never changes", key)
            part.rename(target)
            _sync_folder(target.parent)
        except BaseException as error:
            part.unlink(missing_ok=True)
            with suppress(OSError):
                target.parent.rmdir()
            if isinstance(error, OSError) and error.errno in FULL:
                raise WorkerError(
                    f"The disk with {self.location} is full: {target.name} could not be stored.",
                    hint="Make room there (old releases, the cache), then try again.",
                ) from error
            raise

    def local_path(self, key: str) -> Path | None:
        return Path(self.path(key))

    def stale(self, prefix: str, before: datetime) -> Iterator[str]:
        """Keys under the folder `prefix` that were written before then, half-written ones included."""
        for folder, _, names in os.walk(self.path(prefix)):
            for path in (Path(folder, name) for name in names):
                with suppress(FileNotFoundError):
                    if datetime.fromtimestamp(path.stat().st_ctime, UTC) < before:
                        yield path.relative_to(self.location).as_posix()

    def delete(self, name: str) -> None:
        """Remove the file, and its folder when it was the last one in it."""
        super().delete(name)
        with suppress(OSError):
            Path(self.path(name)).parent.rmdir()


class S3Storage(DjangoS3Storage):
    """A bucket. Large files go up in parts; people are sent to the bucket with an address that soon expires."""

    def put(self, source: Path, key: str, advance: Callable[[int], None] = lambda _: None) -> Stored:
        """Store the file under a key that is not in use. It appears whole, or not at all.

        Raises WorkerError when the bucket does not take it.
        """
        with source.open("rb") as file:
            return self._send(HashingReader(file, advance), key, source.stat().st_size)

    def put_stream(self, stream: Readable, key: str, *, size: int | None = None) -> Stored:
        """Store what can be read once, as it comes; otherwise like `put`. `size`: about how much, if known."""
        return self._send(HashingReader(stream), key, size or UNKNOWN_SIZE)

    def stream(self, key: str) -> IO[bytes]:
        """What is stored, to be read once from its beginning; the caller closes it."""
        return self.bucket.Object(key).get()["Body"]

    def _send(self, reader: HashingReader, key: str, size: int) -> Stored:
        part = max(PART, size // 9000)
        try:
            self.bucket.upload_fileobj(
                reader,
                key,
                ExtraArgs={"ContentType": "application/octet-stream"},
                Config=TransferConfig(multipart_threshold=part, multipart_chunksize=part, max_concurrency=4),
            )
        except (BotoCoreError, Boto3Error, ClientError) as error:
            raise WorkerError(
                f"The bucket {self.bucket_name} did not take {key.rpartition('/')[2]}: {error}",
                hint="Check S3_BUCKET, S3_ENDPOINT_URL and the credentials of this machine, then try again.",
            ) from error
        return reader.stored

    def local_path(self, key: str) -> Path | None:  # noqa: ARG002
        return None

    def url(self, name: str, *args: Any, filename: str = "", **options: Any) -> str:
        """An address that works for an hour; `filename` is what browsers save it as."""
        if filename:
            disposition = f'attachment; filename="{filename}"'
            options["parameters"] = {
                **(options.get("parameters") or {}),
                "ResponseContentDisposition": disposition,
            }
        return super().url(name, *args, **options)

    def stale(self, prefix: str, before: datetime) -> Iterator[str]:
        """Keys under `prefix/` that were written before then. Uploads that were broken off then are dropped."""
        for upload in self.bucket.multipart_uploads.filter(Prefix=f"{prefix}/"):
            if upload.initiated < before:
                upload.abort()
        for item in self.bucket.objects.filter(Prefix=f"{prefix}/"):
            if item.last_modified < before:
                yield item.key


def _link(source: Path, part: Path) -> bool:
    part.unlink(missing_ok=True)
    try:
        os.link(source, part, follow_symlinks=False)
    except OSError as error:
        if error.errno in NO_LINK:
            return False
        raise
    return True


def _copy(reader: HashingReader, part: Path) -> None:
    with part.open("xb") as copy:
        while block := reader.read(BLOCK):
            copy.write(block)
        copy.flush()
        os.fsync(copy.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
