"""Where a build looks for layers and puts them: the worker's store, rows of a database, or nothing at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from .layer import Layer

if TYPE_CHECKING:
    from ..context import Context
    from .stages import Stage

Fill = Callable[[Path], Mapping[str, Any]]
"""Puts a layer's files into an empty folder and returns its details. `details["holds"]`: references in the ledger."""


class Layers(ABC):
    """Safe to use from several builds and workers at once."""

    on: ClassVar[bool] = True
    secret: bytes = b""
    """The key of the digests of secrets."""

    @abstractmethod
    def longest(self, stages: Sequence[Stage], context: Context) -> tuple[int, Layer] | None:
        """The last of these stages that is stored, young enough and whole: its index and the layer. Counts as used.

        Tells the console what was found, or which input has changed since there was one.
        """

    @abstractmethod
    def keep(self, stage: Stage, former: Layer | None, seconds: float, fill: Fill, context: Context) -> Layer:
        """Store the state of that stage. `former` is the layer that this one continues, `seconds` how long it took
        from the start to get there. Seen by others once it is whole. Raises what `fill` raises, and OSError: then
        nothing is stored, and nothing of this machine may be kept later. So too when there is one already: what this
        machine does next continues its own disk, not that one's.
        """

    @abstractmethod
    def drop(self, layer: Layer) -> None:
        """It is of no use. Whoever uses it at the moment can go on."""


class NoLayers(Layers):
    """Finds nothing and keeps nothing."""

    on = False

    def longest(self, stages: Sequence[Stage], context: Context) -> tuple[int, Layer] | None:
        return None

    def keep(self, stage: Stage, former: Layer | None, seconds: float, fill: Fill, context: Context) -> Layer:
        raise OSError("no layers are kept here")

    def drop(self, layer: Layer) -> None:
        pass
