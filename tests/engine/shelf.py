"""Layers that lie outside, remembered in this process, and builds that go on from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.layers import Layer, Layers
from builds.engine.layers.shelf import Fill
from builds.engine.layers.stages import Stage
from builds.engine.plan import Plan
from builds.engine.provisioning import provisioned


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


class Builds:
    """The machines of builds, up to where they would become images."""

    def __init__(self, context: Context, shelf: Shelf) -> None:
        self.context = replace(context, layers=shelf)
        self.made: list[str] = []
        """What the first provisioner has made, as each machine has it."""

    def __call__(self, plan: Plan) -> Recorder:
        console = Recorder()
        context = replace(self.context, console=console)
        with provisioned(plan, plan.base.prepare(context), context) as machine:
            self.made.append(machine.expect("cat /root/made", context))
        return console
