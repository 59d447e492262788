"""A stored layer, as the platform that resumes it sees it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import SlipwayError

TAG = "slipway:layer"
"""What is made outside for a layer carries its key."""


class Unresumable(SlipwayError):  # noqa: N818 -- the build goes on without it
    """This layer is of no use: damaged, made by another version, or its machine does not answer. It is dropped."""


@dataclass(frozen=True)
class Layer:
    """What was kept. `details` is the platform's own: what it needs for resuming, as JSON."""

    key: str
    details: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None
    """Where its files are on this worker, read-only; None: it lies outside (an AMI, a snapshot)."""
    parents: tuple[Layer, ...] = ()
    """The layers whose disks it continues, the next one first."""
    holds: tuple[str, ...] = ()
    """All references in the ledger that live as long as the layer does."""


def for_us_alone(path: str, flags: int) -> int:
    """An opener for what nobody else on this host may read: a machine's memory, and what opens it."""
    return os.open(path, flags, 0o600)
