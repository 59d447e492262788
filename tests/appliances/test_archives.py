import hashlib
import io
import os
from datetime import timedelta

import pytest
from django.core.files import File
from django.core.files.storage import default_storage

from appliances import archives, reconcile
from appliances.states import RevisionState
from builds.engine.errors import SourceError
from builds.states import BuildState
from tests import factories

pytestmark = pytest.mark.django_db
DATA = os.urandom(300_000)


def test_an_upload_is_kept_under_the_hash_of_its_content():
    key = archives.store_archive(File(io.BytesIO(DATA), "wiki.tar.gz"))
    assert key == f"archives/{hashlib.sha256(DATA).hexdigest()}"
    with default_storage.open(key) as file:
        assert file.read() == DATA
    assert archives.store_archive(File(io.BytesIO(DATA), "other.tgz")) == key


def test_what_is_too_large_is_refused_and_leaves_nothing(settings, data_dir):
    settings.ARCHIVE_LIMIT = len(DATA) - 1
    with pytest.raises(SourceError, match="larger than"):
        archives.store_archive(File(io.BytesIO(DATA), "wiki.tar.gz"))
    assert [path for path in data_dir.rglob("*") if path.is_file()] == []


def test_archives_that_nobody_uses_are_swept_after_a_day(data_dir, monkeypatch):
    used = archives.store_archive(File(io.BytesIO(b"used"), "a"))
    frozen = archives.store_archive(File(io.BytesIO(b"frozen"), "b"))
    unused = archives.store_archive(File(io.BytesIO(b"unused"), "c"))
    release = factories.release(archive=used)
    factories.revision(release, archive=frozen, state=RevisionState.PUBLISHED)
    broken_off = data_dir / "work" / "upload-abc"
    broken_off.write_bytes(b"half")
    assert reconcile.run() == []
    monkeypatch.setattr(archives, "UNUSED", timedelta(seconds=-1))
    assert len(reconcile.run()) == 2
    assert [default_storage.exists(key) for key in (used, frozen, unused)] == [True, True, False]
    assert not broken_off.exists()


def test_a_revision_whose_builds_ended_unseen_is_settled():
    revision = factories.revision()
    factories.build(revision, state=BuildState.SUCCEEDED)
    waiting = factories.build().revision
    assert len(reconcile.run()) == 1
    revision.refresh_from_db()
    waiting.refresh_from_db()
    assert (revision.state, waiting.state) == (RevisionState.PUBLISHED, RevisionState.BUILDING)
