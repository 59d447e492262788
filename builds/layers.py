"""A worker's layers, with rows: so that people see what is kept, what it saves, and can drop it.

The files are the truth. A build tells what it has kept and used, but never waits for the database to hear of it; what
gets lost on the way, `agree` finds.
"""

from __future__ import annotations

import hmac
import logging
import socket
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Self

from django.conf import settings
from django.db import connection
from django.db.models import F, QuerySet
from django.utils import timezone

from . import shared_layers
from .cloud_layers import CloudLayers
from .engine.context import Context
from .engine.layers import Layer as Found
from .engine.layers import Layers, NoLayers
from .engine.layers.stages import Stage
from .engine.layers.store import DAY, Store
from .engine.layers.stored import Stored
from .models import Build, Layer
from .patience import persist

logger = logging.getLogger(__name__)

PLATFORM = "qemu"  # the one whose layers are files
FORGOTTEN = timedelta(days=7)  # how much longer than its layers can live a host is heard of that keeps none any more


def place() -> str:
    """What the rows call this host."""
    return socket.gethostname()[:200]


def folder() -> Path:
    return settings.DATA_DIR / "cache" / "layers"


def secret() -> bytes:
    return hmac.digest(settings.SECRET_KEY.encode(), b"slipway: digests of secrets in layers' keys", "sha256")


def limits() -> dict[str, Any]:
    days = {"max_age": settings.LAYERS_DAYS * DAY, "max_age_fetched": settings.LAYERS_FETCHED_DAYS * DAY}
    return {"budget": settings.LAYERS, **days}


def layers(*, wanted: bool = True) -> Layers:
    """For a build without rows; `reconcile` finds what it keeps. `wanted`: whether it may use any at all."""
    return Store(folder(), secret(), **limits()) if wanted and settings.LAYERS else NoLayers()


@contextmanager
def of(build: Build) -> Iterator[Layers]:
    """Where the build looks for layers and keeps its own."""
    if not (build.layers and settings.LAYERS):
        yield NoLayers()
    elif build.platform == PLATFORM:
        with RecordedStore(build) as store:
            store.obey()
            yield store
    else:
        yield CloudLayers(build, secret())


class RecordedStore(Store):
    """The host's store; its hooks write rows. Use as a context manager.

    The engine's threads never touch the database: one thread writes for all of them, and they do not wait for it.
    """

    def __init__(self, build: Build | None = None) -> None:
        super().__init__(folder(), secret(), **limits())
        self.build = build
        self._took = False
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="rows of layers")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._writer.submit(lambda: connection.close())  # that thread's own: it is looked up there
        self._writer.shutdown()

    def longest(self, stages: Sequence[Stage], context: Context) -> tuple[int, Found] | None:
        if settings.LAYERS_SHARED and not self._took:
            self._took = True  # once: what was of no use is not fetched again
            shared_layers.take(self, stages, context)
        return super().longest(stages, context)

    def fitting(self, key: str) -> list[Stored]:
        """That layer and those below it, if it is there and not too old."""
        chain = self.chain(key)
        return [] if self.too_old(chain) else chain

    def making(self, key: str) -> AbstractContextManager[Path]:
        """A folder to be renamed when it holds the whole layer."""
        return self._making(self.folder / key)

    def fetched(self, stored: Stored, build: Build | None) -> None:
        """It came from another host, where that build kept it."""
        self.tell(partial(write_down, stored, build))

    def kept(self, stored: Stored, context: Context) -> None:
        self.tell(partial(write_down, stored, self.build))

    def used(self, stored: Stored, context: Context) -> None:
        chain = [each.key for each in self.chain(stored.key)]
        self.tell(partial(_count, stored, chain, self.build))

    def dropped(self, key: str) -> None:
        self.tell(lambda: rows().filter(key=key).delete())

    def drop(self, layer: Found) -> None:
        self.tell(partial(_count_not, self.build))
        super().drop(layer)

    def tell(self, write: Callable[[], Any]) -> Future[Any]:
        future = self._writer.submit(persist, write)
        future.add_done_callback(_log_failure)
        return future

    def ask(self, read: Callable[[], Any]) -> Any:
        """What the rows say; after everything that was told before."""
        return self._writer.submit(persist, read).result()

    def obey(self) -> list[str]:
        """Remove what somebody has dropped."""
        keys = self.ask(lambda: list(rows().filter(dropped=True).values_list("key", flat=True)))
        for key in keys:
            self.remove(key)
        return told(len(keys), "dropped, as somebody asked")

    def agree(self) -> list[str]:
        """Keep to the limits; then each layer has its row, and no row is without its layer."""
        known = self.ask(lambda: set(rows().values_list("key", flat=True)))
        before = {stored.key for stored in self.all()}
        self.tidy()
        layers = {stored.key: stored for stored in self.all()}
        for key in layers.keys() - known:
            self.tell(partial(write_down, layers[key], None))
        if missing := known - layers.keys():
            self.tell(lambda: rows().filter(key__in=missing).delete())
        return told(len(before - layers.keys()), "removed: too old, or over the limit")


def rows() -> QuerySet[Layer]:
    """Of this host."""
    return Layer.objects.at(place()).filter(platform=PLATFORM)


def write_down(stored: Stored, build: Build | None) -> None:
    """The row of a layer of this host. Without a build somebody only found it there: what is known of it stands."""
    which = {"key": stored.key, "platform": PLATFORM, "place": place()}
    fields = Layer.columns_of(stored) | {"used_at": _moment(stored.made)}
    if build is None:
        row, _ = Layer.objects.get_or_create(**which, defaults=fields)
    else:
        fields |= {"build": build, "appliance": build.revision.release.appliance, "dropped": False}
        row, _ = Layer.objects.update_or_create(**which, defaults=fields)
    Layer.objects.filter(pk=row.pk).update(created_at=_moment(stored.made))


def reconcile(now: datetime) -> list[str]:
    """This host's part, whether it builds or not; and rows of hosts that are gone."""
    done = []
    if folder().exists() or rows().exists():
        with RecordedStore() as store:
            done = [*store.obey(), *store.agree()]
            if settings.LAYERS_SHARED:
                done += shared_layers.give(store, PLATFORM)
    done += shared_layers.tidy(now)
    # A layer that exists is younger than this, wherever it is.
    oldest = now - timedelta(days=settings.LAYERS_DAYS) - FORGOTTEN
    Layer.objects.filter(reference="", created_at__lt=oldest).exclude(place="").delete()
    return done


def told(count: int, what: str) -> list[str]:
    return [f"{count} layer{'s' if count > 1 else ''} of this host: {what}"] if count else []


def _count(stored: Stored, chain: list[str], build: Build | None) -> None:
    now = timezone.now()
    rows().filter(key__in=chain).update(used_at=now)
    row = rows().filter(key=stored.key)
    row.update(hits=F("hits") + 1)
    if build:
        Build.objects.filter(pk=build.pk).update(saved=stored.seconds, layer=row.first())


def _count_not(build: Build | None) -> None:
    """What was found was of no use after all."""
    if build:
        Build.objects.filter(pk=build.pk).update(saved=None, layer=None)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _log_failure(future: Future[Any]) -> None:
    if error := future.exception():
        logger.warning("A layer's row could not be written, and is when it is next looked at: %s", error)
