"""Layers that lie outside, remembered in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from builds.engine.context import Context
from builds.engine.layers import Layer, Layers
from builds.engine.layers.shelf import Fill
from builds.engine.layers.stages import Stage


class Shelf(Layers):
    secret = b"of tests"

    def __init__(self) -> None:
        self.layers: dict[str, Layer] = {}
        self.titles: list[str] = []
        """Of all that were kept, in order."""
        self.dropped: list[str] = []
        """References."""

    def longest(self, stages: Sequence[Stage], context: Context) -> tuple[int, Layer] | None:
        found = [(number, stage.key) for number, stage in enumerate(stages) if stage.key in self.layers]
        return (found[-1][0], self.layers[found[-1][1]]) if found else None

    def keep(self, stage: Stage, former: Layer | None, seconds: float, fill: Fill, context: Context) -> Layer:
        details = {**fill(Path("/nowhere")), "seconds": seconds}
        self.layers[stage.key] = Layer(stage.key, details, holds=tuple(details["holds"]))
        self.titles.append(stage.title)
        return self.layers[stage.key]

    def drop(self, layer: Layer) -> None:
        self.dropped.append(self.layers.pop(layer.key).details["reference"])
