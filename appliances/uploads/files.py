"""The stored files of boxes: each belongs to an upload or to artifacts, or is swept."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from functools import partial

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from builds.models import Artifact
from builds.uploads import PREFIX

from ..models import Upload

ORPHAN = timedelta(days=1)
"""A stored file this old that no row names belongs to an upload that has ended."""


def sweep() -> list[str]:
    """Remove files of uploads that were broken off, and of those that were replaced when the storage did not answer."""
    swept = []
    for key in list(default_storage.stale(PREFIX, timezone.now() - ORPHAN)):
        if not _is_used(key):
            default_storage.delete(key)
            swept.append(f"{key}: removed, no release has it")
    return swept


def forget(upload: Upload) -> None:
    """Its file goes when the transaction has come to its end, unless a revision has it."""
    if upload.file:
        transaction.on_commit(partial(delete_unless_used, upload.file))
    upload.file, upload.size, upload.sha256, upload.details, upload.received_at = "", 0, "", {}, None


def delete_unless_used(key: str) -> None:
    if not _is_used(key):
        delete_file(key)


def _is_used(key: str) -> bool:
    return Artifact.objects.filter(file=key).exists() or Upload.objects.filter(file=key).exists()


def delete_file(key: str) -> None:
    """What cannot be removed now, `reconcile` sweeps."""
    with suppress(Exception):
        default_storage.delete(key)
