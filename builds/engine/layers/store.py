"""A worker's store: a folder with one folder for each layer, named by its key. There is no list beside them.

A layer is made in a folder of another name and renamed when it is whole. Whoever makes one holds a lock on its
folder, so that what a killed worker left can be told from what is being made.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .layer import Layer
from .misses import why_not
from .shelf import Fill, Layers
from .stored import RECORD, Broken, Stored

if TYPE_CHECKING:
    from ..context import Context
    from .stages import Stage

GIB = 1024**3
DAY = 24 * 3600.0
PART = ".part"  # the end of the name of a folder that is no layer: being made, or being removed


class Store(Layers):
    """Several workers may share one. `kept`, `used` and `dropped` tell a subclass what became of each layer."""

    def __init__(
        self,
        folder: Path,
        secret: bytes,
        *,
        budget: int = 20 * GIB,
        max_age: float = 30 * DAY,
        max_age_fetched: float = 7 * DAY,
    ) -> None:
        self.folder = folder
        self.secret = secret
        self.budget = budget
        self.max_age = max_age
        self.max_age_fetched = max_age_fetched
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def kept(self, stored: Stored, context: Context) -> None:
        """There is a new layer."""

    def used(self, stored: Stored, context: Context) -> None:
        """A build goes on from this one (not told of those below it)."""

    def dropped(self, key: str) -> None:
        """It is not there any more: evicted, too old, damaged, or of no use."""

    def longest(self, stages: Sequence[Stage], context: Context) -> tuple[int, Layer] | None:
        old = ""
        for number in reversed(range(len(stages))):
            chain = self.chain(stages[number].key)
            if chain and (age := self.too_old(chain)):
                old = old or age
                self.remove(stages[number].key)  # this build will keep a new one
            elif chain and self._touch(chain):
                stored = chain[0]
                self.used(stored, context)
                context.console.fact("layers", f"went on {stored.title}; that saved {_duration(stored.seconds)}")
                if reason := old or why_not(stages, number, self.all()):
                    context.console.fact("layer miss", reason)
                return number, _layer(chain)
        if stages:
            context.console.fact("layer miss", old or why_not(stages, -1, self.all()) or "nothing kept yet")
        return None

    def keep(self, stage: Stage, former: Layer | None, seconds: float, fill: Fill, context: Context) -> Layer:
        goal = self.folder / stage.key
        with self._making(goal) as folder:
            details = fill(folder)
            _to_disk(folder)
            files = {path.name: path.stat() for path in folder.iterdir()}
            stored = Stored(
                key=stage.key,
                parent=former.key if former else "",
                title=stage.title,
                parts=stage.parts,
                private=stage.private,
                fetched=stage.fetched,
                made=time.time(),
                seconds=seconds,
                files={name: status.st_size for name, status in files.items()},
                size=sum(status.st_blocks * 512 for status in files.values()),
                details=details,
                folder=goal,
            )
            stored.write(folder)
            folder.rename(goal)
        if not (chain := self.chain(stage.key)):
            raise OSError("the layer that this one continues was removed meanwhile")
        self._touch(chain)
        self.kept(stored, context)
        self.tidy()
        return _layer(chain)

    def drop(self, layer: Layer) -> None:
        self.remove(layer.key)

    def remove(self, key: str) -> None:
        """This layer, and those that continue it, for which it is a part of their disks."""
        for stored in self.all():
            if stored.parent == key:
                self.remove(stored.key)
        self._remove(key)

    def all(self) -> list[Stored]:
        """Every layer. What cannot be read is removed."""
        found = (self.read(path.name) for path in self.folder.iterdir() if path.suffix != PART)
        return [stored for stored in found if stored]

    def read(self, key: str) -> Stored | None:
        """That one, if it is there and whole."""
        try:
            return Stored.read(self.folder / key)
        except FileNotFoundError:
            return None
        except Broken:
            self._remove(key)
            return None

    def chain(self, key: str) -> list[Stored]:
        """That layer and those below it, the next one first. Empty, and it is removed, when one is missing."""
        found: list[Stored] = []
        while key and (stored := self.read(key)):
            found.append(stored)
            key = stored.parent
        if key and found:
            self.remove(found[0].key)
            return []
        return found

    def too_old(self, chain: Sequence[Stored]) -> str:
        """Why nobody should go on from it, or an empty text. It is as old as the oldest that it continues."""
        for stored in chain:
            limit = self.max_age_fetched if stored.fetched else self.max_age
            if time.time() - stored.made > limit:
                why = ", and it fetched packages" if stored.fetched else ""
                return f"{stored.title}: the layer is older than {limit / DAY:.0f} days{why}"
        return ""

    def tidy(self) -> None:
        """Remove what is too old, what killed workers left, and what is over the budget, the longest unused first."""
        self._sweep()
        layers = {stored.key: stored for stored in self.all()}
        for key in [key for key in layers if self.too_old(self.chain(key))]:
            self._remove(key)
            del layers[key]
        taken = sum(stored.size for stored in layers.values())
        # A full disk ends builds: at most half of what there would be room for.
        allowed = min(self.budget, (taken + shutil.disk_usage(self.folder).free) // 2)
        while taken > allowed:
            parents = {stored.parent for stored in layers.values()}
            oldest = min((stored for key, stored in layers.items() if key not in parents), key=_last_use)
            self._remove(oldest.key)
            taken -= oldest.size
            del layers[oldest.key]

    @contextmanager
    def _making(self, goal: Path) -> Iterator[Path]:
        """A new folder, locked; it is gone afterwards, unless it was renamed."""
        if goal.exists():
            # Not the same disk as this machine's, bit for bit: nothing of this machine may continue it.
            raise FileExistsError("another build has just kept this state")
        folder = goal.with_name(f"{goal.name}.{secrets.token_hex(4)}{PART}")
        folder.mkdir(mode=0o700)
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)

    def _sweep(self) -> None:
        for path in self.folder.glob(f"*{PART}"):
            with suppress(OSError):
                lock = os.open(path, os.O_RDONLY)
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # else its maker lives
                    shutil.rmtree(path, ignore_errors=True)
                finally:
                    os.close(lock)

    def _remove(self, key: str) -> None:
        away = self.folder / f"{key}.{secrets.token_hex(4)}{PART}"
        with suppress(FileNotFoundError):  # somebody else did
            (self.folder / key).rename(away)
            shutil.rmtree(away, ignore_errors=True)
            self.dropped(key)

    def _touch(self, chain: Sequence[Stored]) -> bool:
        """Mark all of it as used. False when somebody has just removed it."""
        try:
            for stored in chain:
                os.utime(stored.folder / RECORD)
        except FileNotFoundError:
            return False
        return True


def _to_disk(folder: Path) -> None:
    """After a power cut a layer is whole, or it is not there."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _layer(chain: Sequence[Stored]) -> Layer:
    layers: tuple[Layer, ...] = ()
    for stored in reversed(chain):
        layers = (stored.layer(layers), *layers)
    return layers[0]


def _last_use(stored: Stored) -> float:
    try:
        return stored.used
    except FileNotFoundError:
        return 0.0


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"
