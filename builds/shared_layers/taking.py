"""Taking what another host has kept, where that saves more than it costs."""

from __future__ import annotations

import shutil
import tarfile
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from django.core.files.storage import default_storage
from django.db.models import F
from django.utils import timezone
from isal import igzip

from ..engine.context import Context
from ..engine.errors import WorkerError
from ..engine.layers.layer import for_us_alone
from ..engine.layers.stages import Stage
from ..models import Layer
from ..storage import BLOCK, HashingReader
from .packed import PACKED, TROUBLE, rows

if TYPE_CHECKING:
    from ..layers import RecordedStore

PACE = 50e6  # bytes a second that fetching is reckoned with


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
                unpack(tar, member, folder)
        packed.unlink()
        folder.rename(store.folder / row.key)
    if (stored := store.read(row.key)) is None:
        raise WorkerError(f"{row.details['file']} holds no whole layer.")
    store.fetched(stored, row.build)


def unpack(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    source = tar.extractfile(member) if member.isreg() and Path(member.name).name == member.name else None
    if source is None:
        raise WorkerError(f"A layer holds no {member.name!r}.")
    with open(folder / member.name, "xb", opener=for_us_alone) as file:
        shutil.copyfileobj(source, file, BLOCK)


def _count(keys: Sequence[int]) -> None:
    Layer.objects.filter(pk__in=keys).update(used_at=timezone.now())
    Layer.objects.filter(pk=keys[-1]).update(hits=F("hits") + 1)
