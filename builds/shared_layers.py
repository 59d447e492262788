"""Layers that workers take from each other, by way of the storage: each is one packed file, found by its row.

A host gives what it has kept once a minute, so that no build waits for it. A build takes what saves it more than it
costs to fetch. What may hold a secret stays where it is.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import shutil
import tarfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from isal import igzip, igzip_lib

from .engine.context import Context
from .engine.errors import WorkerError
from .engine.layers.stages import Stage
from .engine.layers.stored import RECORD, Stored
from .models import Layer
from .storage import BLOCK, HashingReader

if TYPE_CHECKING:
    from .layers import RecordedStore

logger = logging.getLogger(__name__)

PREFIX = "layers"  # of their names in the storage
PACKED = "layer.tar.gz"
PACE = 50e6  # bytes a second that fetching is reckoned with
PATIENCE = 30.0  # seconds after which a round of giving begins with no other layer
ORPHAN = timedelta(days=1)  # a stored file this old without a row was given by a host that was killed meanwhile
LEVEL = 1  # the memory is packed already, and the disk is mostly programs
TROUBLE = (OSError, EOFError, tarfile.TarError, igzip_lib.IsalError, BotoCoreError, ClientError, WorkerError)


def rows() -> QuerySet[Layer]:
    return Layer.objects.at("")


def give(store: RecordedStore, platform: str) -> list[str]:
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
    Layer.objects.filter(pk=row.pk).update(created_at=datetime.fromtimestamp(stored.made, row.created_at.tzinfo))


def take(store: RecordedStore, stages: Sequence[Stage], context: Context) -> None:
    """Fetch the longest chain that is shared, if it saves more than the one here, and than fetching it costs."""
    chain = store.ask(partial(longest, [stage.key for stage in stages], timezone.now()))
    if not chain:
        return
    here = next((found[0].seconds for stage in reversed(stages) if (found := store.fitting(stage.key))), 0.0)
    missing = [row for row in chain if not _has(store, row)]
    saves, costs = chain[-1].seconds - here, sum(row.size for row in missing) / PACE
    if not missing or saves <= costs:
        return
    began = time.monotonic()
    try:
        for row in missing:
            _fetch(store, row, context)
    except TROUBLE as error:
        context.console.write(f"A layer that others share could not be fetched: {error}\n")
        return
    store.tell(partial(_count, [row.pk for row in chain]))
    size = sum(row.size for row in missing) / 1e6
    context.console.write(f"Fetched the state {chain[-1].title} ({size:.0f} MB, {time.monotonic() - began:.1f} s).\n")


def longest(keys: Sequence[str], now: datetime) -> list[Layer]:
    """The rows of the last of these that is shared with all below it, the first one first; empty: none is."""
    fresh = rows().usable().young(now).select_related("build__revision__release__appliance")
    known = {row.key: row for row in fresh.filter(key__in=keys)}
    for key in reversed(keys):
        chain = list(_down(known, key))
        if chain and not chain[-1].parent:
            return chain[::-1]
    return []


def _down(known: dict[str, Layer], key: str) -> Iterator[Layer]:
    """That row and those below it, as long as each is the very one that the last was made on."""
    row, made = known.get(key), None
    while row and made in (None, row.details["made"]):
        yield row
        made = row.details["parent made"]
        row = known.get(row.parent) if row.parent else None


def _has(store: RecordedStore, row: Layer) -> bool:
    stored = store.read(row.key)
    return stored is not None and stored.made == row.details["made"]


def _fetch(store: RecordedStore, row: Layer, context: Context) -> None:
    """Whole, or not at all."""
    # Of the same key, but made here: what others made does not fit on it.
    store.remove(row.key)
    with store.making(row.key) as folder:
        packed = folder / PACKED
        with default_storage.stream(row.details["file"]) as stream, packed.open("xb") as file:
            reader = HashingReader(stream)
            while block := reader.read(BLOCK):
                context.check()
                file.write(block)
        if reader.stored.sha256 != row.details["sha256"]:
            raise WorkerError(f"{row.details['file']} is not what was stored: its SHA-256 is {reader.stored.sha256}.")
        with igzip.open(packed) as zipped, tarfile.open(fileobj=zipped, mode="r|") as tar:
            for member in tar:
                _unpack(tar, member, folder)
        packed.unlink()
        folder.rename(store.folder / row.key)
    if (stored := store.read(row.key)) is None:
        raise WorkerError(f"{row.details['file']} holds no whole layer.")
    store.fetched(stored, row.build)


def _unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    source = tar.extractfile(member) if member.isreg() and Path(member.name).name == member.name else None
    if source is None:
        raise WorkerError(f"A layer holds no {member.name!r}.")
    with open(folder / member.name, "xb", opener=_for_us_alone) as file:
        shutil.copyfileobj(source, file, BLOCK)


def _for_us_alone(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _count(keys: Sequence[int]) -> None:
    Layer.objects.filter(pk__in=keys).update(used_at=timezone.now())
    Layer.objects.filter(pk=keys[-1]).update(hits=F("hits") + 1)


def tidy(now: datetime) -> list[str]:
    """Remove what was dropped, is too old, continues what is gone, or is over the limit, the longest unused first."""
    left = {(row.platform, row.key): row for row in rows().defer("parts")}
    young = set(rows().usable().young(now).values_list("pk", flat=True))
    removed = []

    def remove(wanted: Callable[[Layer], bool]) -> None:
        for place, row in [(place, row) for place, row in left.items() if wanted(row)]:
            removed.append(row)
            del left[place]

    remove(lambda row: row.pk not in young)
    while stranded := [row for row in left.values() if not _stands(row, left)]:
        remove(lambda row, gone=stranded: row in gone)
    taken = sum(row.size for row in left.values())
    while taken > settings.LAYERS:
        parents = {(row.platform, row.parent) for row in left.values()}
        oldest = min((row for place, row in left.items() if place not in parents), key=lambda row: row.used_at)
        remove(lambda row, gone=oldest: row is gone)
        taken -= oldest.size
    for row in removed:
        # Who removes the row removes the file: another host may be at it, too.
        if Layer.objects.filter(pk=row.pk).delete()[0]:
            default_storage.delete(row.details["file"])
    for name in list(default_storage.stale(PREFIX, now - ORPHAN)):
        if not rows().filter(details__file=name).exists():
            default_storage.delete(name)
    return [f"{len(removed)} shared layer{'s' if len(removed) > 1 else ''}: removed"] if removed else []


def _stands(row: Layer, left: dict[tuple[str, str], Layer]) -> bool:
    if not row.parent:
        return True
    below = left.get((row.platform, row.parent))
    return below is not None and below.details["made"] == row.details["parent made"]


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
