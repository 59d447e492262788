"""Archives of sources that people upload, stored under the hash of their content."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings
from django.core.files import File
from django.core.files.storage import default_storage
from django.utils import timezone

from builds.engine.errors import SourceError

from .models import Release, Revision

PREFIX = "archives"
UNUSED = timedelta(days=1)  # how long an upload may wait for its release to be saved


def store_archive(file: File) -> str:
    """Store an upload and return its key; the same content has the same key. SourceError when it is too large."""
    digest = hashlib.sha256()
    folder = settings.DATA_DIR / "work"
    folder.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=folder, prefix="upload-") as copy:
        for chunk in file.chunks():
            digest.update(chunk)
            copy.write(chunk)
            if copy.tell() > settings.ARCHIVE_LIMIT:
                raise SourceError(
                    f"The archive is larger than {settings.ARCHIVE_LIMIT / 1024**3:g} GiB.",
                    hint="Leave out what a provisioner can download in the machine.",
                )
        copy.flush()
        key = f"{PREFIX}/{digest.hexdigest()}"
        if not default_storage.exists(key):
            default_storage.put(Path(copy.name), key)
    return key


def sweep_archives() -> list[str]:
    """Remove archives that no release and no revision uses, and uploads that were broken off."""
    before = timezone.now() - UNUSED
    swept = []
    for key in list(default_storage.stale(PREFIX, before)):
        used = Release.objects.filter(archive=key).exists() or Revision.objects.filter(archive=key).exists()
        if not used:
            default_storage.delete(key)
            swept.append(f"{key}: removed, no release uses it")
    for path in (settings.DATA_DIR / "work").glob("upload-*"):
        if path.stat().st_mtime < before.timestamp():
            path.unlink(missing_ok=True)
            swept.append(f"{path.name}: removed, its upload was broken off")
    return swept
