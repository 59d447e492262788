"""What a module in `clients/` is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .catalog import Catalog
from .visit import Visit

Action = Callable[[Visit], object]


def _nothing(catalog: Catalog, folder: Path) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class Client:
    version: Sequence[str]
    """The command that tells it."""
    actions: Mapping[str, Action]
    """In this order: what users do, in words."""
    environment: Callable[[Catalog, Path], dict[str, str]] = _nothing
    """What its users set; in the folder it may write."""
