"""A build in a process of its own, to be killed: says on its standard output what it plans and learns.

python -m tests.engine.platforms.ec2.child ENDPOINT FOLDER [layers]

With `layers` it keeps its machine's state.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from builds.engine import pipeline
from builds.engine.accounts.aws import Aws
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.layers import Layers, NoLayers
from builds.engine.ledger import Entry, Ledger, Resource
from tests.engine.aws.fixtures import KEYS, REGION, TAGS
from tests.engine.shelf import Shelf


class Told(Ledger):
    def plan(self, account: str, place: str, kind: str, name: str) -> Entry:
        resource = Resource(account, place, kind, name)
        tell("planned", resource)
        return ToldEntry(resource)


class ToldEntry(Entry):
    def made(self, reference: str) -> None:
        super().made(reference)
        tell("made", self.resource)


def tell(what: str, resource: Resource) -> None:
    sys.stdout.write(json.dumps({"what": what, **asdict(resource)}) + "\n")
    sys.stdout.flush()


def main(endpoint: str, folder: Path, layers: Layers) -> None:
    from . import test_layers, test_platform

    account = Aws(Aws.Options(region=REGION, endpoint=endpoint, **KEYS), "cloud")
    folders = {name: folder / name for name in ("work", "cache", "source")}
    for each in folders.values():
        each.mkdir(parents=True)
    context = Context(
        **folders,
        build="build-1",
        console=Recorder(),
        accounts=lambda *_: account,
        ledger=Told(),
        layers=layers,
        tags=TAGS,
    )
    plan = test_layers.plan_of() if layers.on else test_platform.plan_of(folders["source"])
    pipeline.build(plan, context, context.folder("images"))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Shelf() if "layers" in sys.argv else NoLayers())
