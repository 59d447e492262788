"""Giving others what a host has kept."""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils import timezone
from isal import igzip

from ..engine.errors import WorkerError
from ..engine.layers.store import Store
from ..engine.layers.stored import RECORD, Stored
from ..models import Layer
from .packed import PACKED, PREFIX, TROUBLE, rows

logger = logging.getLogger(__name__)

PATIENCE = 30.0  # seconds after which a round begins with no other layer
LEVEL = 1  # the memory is packed already, and the disk is mostly programs


def give(store: Store, platform: str) -> list[str]:
    """Store what this host has kept and others lack, the parents first."""
    with _alone(store.folder.with_name("sharing")) as work:
        if work is None:
            return []
        end = time.monotonic() + PATIENCE
        known = {row.key: row.details["made"] for row in rows().filter(platform=platform)}
        here = {stored.key: stored for stored in store.all()}
        given = 0
        for stored in sorted(here.values(), key=lambda each: each.made):
            parent = here.get(stored.parent)
            # What was made on another parent than the shared one is of no use to others.
            fits = not stored.parent or (parent is not None and known.get(stored.parent) == parent.made)
            if stored.private or stored.key in known or not fits or store.too_old(store.chain(stored.key)):
                continue
            if time.monotonic() > end:
                break
            try:
                _give(stored, parent, platform, work)
            except TROUBLE as error:
                logger.warning("The layer %s could not be shared and is tried again: %s", stored.title, error)
                break
            known[stored.key] = stored.made
            given += 1
    return [f"{given} layer{'s' if given > 1 else ''} of this host: shared"] if given else []


def _give(stored: Stored, parent: Stored | None, platform: str, work: Path) -> None:
    packed = work / PACKED
    with (
        packed.open("wb") as file,
        igzip.IGzipFile(fileobj=file, mode="wb", compresslevel=LEVEL) as zipped,
        tarfile.open(fileobj=zipped, mode="w|") as tar,
    ):
        for name in (*stored.files, RECORD):
            tar.add(stored.folder / name, name)
    name = f"{PREFIX}/{stored.key}/{secrets.token_hex(8)}.tar.gz"
    done = default_storage.put(packed, name)
    packed.unlink()
    kept = Layer.objects.filter(key=stored.key, platform=platform).exclude(place="").first()
    fields = Layer.columns_of(stored) | {
        "size": done.size,
        "details": {
            "file": name,
            "sha256": done.sha256,
            "made": stored.made,
            "parent made": parent.made if parent else None,
        },
        "build": kept.build if kept else None,
        "appliance": kept.appliance if kept else None,
        "used_at": timezone.now(),
    }
    try:
        with transaction.atomic():
            row = Layer.objects.create(key=stored.key, platform=platform, place="", **fields)
    except IntegrityError:  # another host was first
        default_storage.delete(name)
        raise WorkerError("another host has just shared one of the same key") from None
    Layer.objects.filter(pk=row.pk).update(created_at=datetime.fromtimestamp(stored.made, UTC))


@contextmanager
def _alone(folder: Path) -> Iterator[Path | None]:
    """An empty folder for one process of this host at a time; None: another is at it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        for left in folder.iterdir():  # its process was killed
            left.unlink()
        yield folder
    finally:
        os.close(lock)
