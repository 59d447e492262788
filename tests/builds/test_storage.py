import errno
import hashlib
import os
import subprocess
import sys
from contextlib import closing
from datetime import timedelta

import boto3
import pytest
from django.core.files.storage import default_storage
from django.utils import timezone

from builds import storage
from builds.engine.errors import Cancelled, WorkerError
from builds.storage import FileStorage, S3Storage, Stored

DATA = os.urandom(3 * 1024 * 1024 + 5)
STORED = Stored(len(DATA), hashlib.sha256(DATA).hexdigest())


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "image.qcow2"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def files(tmp_path):
    return FileStorage(location=tmp_path / "files")


@pytest.fixture
def bucket(s3_server, monkeypatch):
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    boto3.client("s3", endpoint_url=s3_server).create_bucket(Bucket="images")
    return S3Storage(bucket_name="images", endpoint_url=s3_server, default_acl=None, file_overwrite=False)


def inside(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_file_is_linked_not_copied(source, files, tmp_path):
    seen = []
    assert files.put(source, "artifacts/1-abc/wiki.qcow2", seen.append) == STORED
    assert sum(seen) == len(DATA)
    stored = files.local_path("artifacts/1-abc/wiki.qcow2")
    assert stored.samefile(source)
    assert inside(tmp_path / "files") == ["artifacts/1-abc/wiki.qcow2"]


def test_a_file_on_another_file_system_is_copied(source, files, tmp_path, monkeypatch):
    def link(*args, **options):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    monkeypatch.setattr(storage.os, "link", link)
    assert files.put(source, "artifacts/1-abc/wiki.qcow2") == STORED
    assert files.local_path("artifacts/1-abc/wiki.qcow2").read_bytes() == DATA
    assert inside(tmp_path / "files") == ["artifacts/1-abc/wiki.qcow2"]


def test_a_key_is_never_written_twice(source, files):
    files.put(source, "artifacts/1-abc/wiki.qcow2")
    with pytest.raises(FileExistsError):
        files.put(source, "artifacts/1-abc/wiki.qcow2")
    assert files.size("artifacts/1-abc/wiki.qcow2") == len(DATA)


def test_a_full_disk_leaves_nothing_and_says_where(source, files, tmp_path, monkeypatch):
    def link(*args, **options):
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    def fsync(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storage.os, "link", link)
    monkeypatch.setattr(storage.os, "fsync", fsync)
    with pytest.raises(WorkerError) as caught:
        files.put(source, "artifacts/1-abc/wiki.qcow2")
    assert str(tmp_path / "files") in caught.value.message
    assert "Make room" in caught.value.hint
    assert inside(tmp_path / "files") == []


def test_a_store_that_is_cancelled_leaves_nothing(source, files, tmp_path):
    def advance(count):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        files.put(source, "artifacts/1-abc/wiki.qcow2", advance)
    assert inside(tmp_path / "files") == []


def test_stale_files_are_found_by_age_half_written_ones_too(source, files):
    files.put(source, "artifacts/1-abc/wiki.qcow2")
    files.local_path("artifacts/2-abc").mkdir()
    files.local_path("artifacts/2-abc/.wiki.ova.part").write_bytes(b"half")
    assert list(files.stale("artifacts", timezone.now() - timedelta(hours=1))) == []
    stale = set(files.stale("artifacts", timezone.now() + timedelta(seconds=1)))
    assert stale == {"artifacts/1-abc/wiki.qcow2", "artifacts/2-abc/.wiki.ova.part"}
    assert list(files.stale("nowhere", timezone.now())) == []


def test_deleting_removes_the_folder_of_its_own(source, files):
    files.put(source, "artifacts/1-abc/wiki.qcow2")
    files.delete("artifacts/1-abc/wiki.qcow2")
    assert not files.local_path("artifacts/1-abc").exists()
    files.delete("artifacts/1-abc/wiki.qcow2")


def test_a_bucket_takes_a_large_file_in_parts(bucket, source, monkeypatch):
    monkeypatch.setattr(storage, "PART", 5 * 1024 * 1024)
    large = DATA * 4
    source.write_bytes(large)
    seen = []
    key = "artifacts/1-abc/large.qcow2"
    assert bucket.put(source, key, seen.append) == Stored(len(large), hashlib.sha256(large).hexdigest())
    assert sum(seen) == len(large)
    assert bucket.size(key) == len(large)
    with bucket.open(key) as file:
        assert file.read() == large
    etag = bucket.bucket.Object(key).e_tag
    assert etag.strip('"').endswith("-3")
    assert bucket.local_path(key) is None


def test_a_bucket_gives_addresses_with_a_file_name_that_expire(bucket, source):
    import urllib.request

    bucket.put(source, "artifacts/1-abc/wiki.qcow2")
    url = bucket.url("artifacts/1-abc/wiki.qcow2", filename="wiki-1.0.0.qcow2")
    assert "X-Amz-Expires" in url or "Expires" in url
    with urllib.request.urlopen(url) as answer:  # noqa: S310 -- the loopback server
        assert answer.headers["Content-Disposition"] == 'attachment; filename="wiki-1.0.0.qcow2"'
        assert answer.read() == DATA


def test_an_upload_that_is_cancelled_leaves_nothing_in_the_bucket(bucket, source, monkeypatch):
    monkeypatch.setattr(storage, "PART", 5 * 1024 * 1024)
    source.write_bytes(DATA * 4)
    total = 0

    def advance(count):
        nonlocal total
        total += count
        if total > 8 * 1024 * 1024:
            raise Cancelled("stop")

    with pytest.raises(Cancelled):
        bucket.put(source, "artifacts/9-abc/large.qcow2", advance)
    assert not bucket.exists("artifacts/9-abc/large.qcow2")
    assert list(bucket.bucket.multipart_uploads.all()) == []


def test_a_bucket_that_is_not_there_is_an_error_with_a_hint(bucket, source, s3_server):
    missing = S3Storage(bucket_name="not-here", endpoint_url=s3_server)
    with pytest.raises(WorkerError, match="not-here") as caught:
        missing.put(source, "artifacts/1-abc/wiki.qcow2")
    assert "S3_BUCKET" in caught.value.hint


def test_stale_keys_of_a_bucket_and_uploads_that_were_broken_off(bucket, source):
    bucket.put(source, "artifacts/3-abc/wiki.qcow2")
    bucket.bucket.Object("artifacts/4-abc/large.ova").initiate_multipart_upload()
    assert len(list(bucket.bucket.multipart_uploads.all())) == 1
    # This server says of every upload that it began years ago.
    assert list(bucket.stale("artifacts", timezone.now() - timedelta(hours=1))) == []
    assert "artifacts/3-abc/wiki.qcow2" in set(bucket.stale("artifacts", timezone.now() + timedelta(hours=1)))
    assert list(bucket.bucket.multipart_uploads.all()) == []


def test_the_settings_choose_the_folder(data_dir):
    assert default_storage.local_path("a/b") == data_dir / "files" / "a" / "b"


@pytest.mark.parametrize("kind", ["files", "bucket"])
def test_a_part_of_a_file_is_read_by_itself(kind, source, request):
    store = request.getfixturevalue(kind)
    store.put(source, "artifacts/1-abc/part.ova")
    assert store.part("artifacts/1-abc/part.ova", 5, 17).read() == DATA[5:17]
    with closing(store.part("artifacts/1-abc/part.ova", 1, len(DATA))) as part:
        assert b"".join(part) == DATA[1:]
    with pytest.raises(OSError, match=r"none\.ova"):
        store.part("artifacts/1-abc/none.ova", 0, 1)


class Stream:
    """Can be read once; tells how much of it was read, and breaks where it is told to."""

    def __init__(self, size, breaks_at=None):
        self._left, self._breaks_at = size, breaks_at
        self.count = self.largest = 0

    def read(self, size=-1):
        self.largest = max(self.largest, size)
        block = min(size if size >= 0 else self._left, self._left)
        if self._breaks_at is not None and self.count + block > self._breaks_at:
            raise Cancelled("gone")
        self._left -= block
        self.count += block
        return bytes(block)


def test_a_stream_is_stored_as_it_comes(files, tmp_path):
    stream = Stream(3 * 2**20 + 1)
    stored = files.put_stream(stream, "uploads/1-abc/wiki.box")
    assert stored == Stored(3 * 2**20 + 1, hashlib.sha256(bytes(3 * 2**20 + 1)).hexdigest())
    assert stream.largest <= storage.BLOCK  # never the whole of it
    with files.stream("uploads/1-abc/wiki.box") as file:
        assert len(file.read()) == stored.size
    assert inside(tmp_path / "files") == ["uploads/1-abc/wiki.box"]


def test_a_stream_that_breaks_off_leaves_nothing(files, tmp_path):
    with pytest.raises(Cancelled):
        files.put_stream(Stream(3 * 2**20, breaks_at=2**20), "uploads/1-abc/wiki.box")
    assert inside(tmp_path / "files") == []
    assert not (tmp_path / "files" / "uploads" / "1-abc").exists()


def test_a_stream_for_which_there_is_no_room_leaves_nothing_and_says_where(tmp_path):
    """A real limit of the system: files of this process end at 1 MiB."""
    program = """
import resource, signal, sys
from pathlib import Path
from django.conf import settings
settings.configure()
from builds.engine.errors import WorkerError
from builds.storage import FileStorage
from tests.builds.test_storage import Stream
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
try:
    FileStorage(location=sys.argv[1]).put_stream(Stream(3 * 2**20), "uploads/1-abc/wiki.box")
except WorkerError as error:
    print(error)
"""
    argv = [sys.executable, "-B", "-c", program, tmp_path / "files"]
    said = subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True).stdout
    assert f"The disk with {tmp_path / 'files'} is full" in said
    assert "Make room" in said
    assert inside(tmp_path / "files") == []


@pytest.mark.parametrize("size", [100, 11 * 2**20])
def test_a_bucket_takes_a_stream_as_it_comes(bucket, monkeypatch, size):
    monkeypatch.setattr(storage, "PART", 5 * 2**20)
    key = f"uploads/{size}-abc/wiki.box"
    stored = bucket.put_stream(Stream(size), key, size=size)
    assert stored == Stored(size, hashlib.sha256(bytes(size)).hexdigest())
    with closing(bucket.stream(key)) as file:
        assert file.read() == bytes(size)


def test_a_stream_that_breaks_off_leaves_nothing_in_the_bucket(bucket, monkeypatch):
    monkeypatch.setattr(storage, "PART", 5 * 2**20)
    with pytest.raises(Cancelled):
        bucket.put_stream(Stream(12 * 2**20, breaks_at=6 * 2**20), "uploads/8-abc/wiki.box", size=12 * 2**20)
    assert not bucket.exists("uploads/8-abc/wiki.box")
    assert list(bucket.bucket.multipart_uploads.all()) == []


def test_a_bucket_that_is_gone_takes_no_stream(bucket, s3_server):
    missing = S3Storage(bucket_name="not-here", endpoint_url=s3_server)
    with pytest.raises(WorkerError, match="did not take wiki"):
        missing.put_stream(Stream(100), "uploads/1-abc/wiki.box")
