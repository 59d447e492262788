"""A build in a process of its own, to be killed: says on its output which step begins, and every line of its ledger."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from builds.engine.console import Console, Recorder
from builds.engine.layers import NoLayers
from builds.engine.ledger import Resource
from tests.engine.shelf import Shelf
from tests.simulators.vsphere import VsphereSimulator

from .lab import Book, Lab

PROJECT = Path(__file__).parents[3]


class Talker(Recorder):
    def step(self, title: str) -> AbstractContextManager[Console]:
        say("step", title)
        return super().step(title)


def say(kind: str, what: object) -> None:
    sys.stdout.write(json.dumps([kind, what]) + "\n")
    sys.stdout.flush()


def main() -> None:
    told: dict[str, Any] = json.loads(sys.argv[1])
    vcenter = VsphereSimulator(Path(told["ca"]).parent, disk=None, port=told["port"])
    vcenter.password = told["password"]
    lab = Lab(vcenter, Path(told["folder"]))
    lab.book = Book(lambda resource, stands: say("stands" if stands else "gone", asdict(resource)))
    layers = Shelf() if told["layers"] else NoLayers()
    plan = lab.native("vsphere-template, ova", cache=layers.on)
    lab.build(plan, ledger=lab.book, console=Talker(), layers=layers)


@contextmanager
def started(lab: Lab, folder: Path, *, layers: bool = False) -> Iterator[subprocess.Popen[str]]:
    """The worker; dead at the end of the block. With `layers` it keeps its machine's state."""
    vcenter = lab.vcenter
    told = {"ca": str(vcenter.ca), "port": vcenter.port, "password": vcenter.password, "folder": str(folder)}
    told |= {"layers": layers}
    argv = [sys.executable, "-m", "tests.engine.vmware.worker", json.dumps(told)]
    with subprocess.Popen(argv, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as worker:
        try:
            yield worker
        finally:
            worker.kill()


def listen(output: IO[str], lab: Lab, end: tuple[str, str]) -> None:
    """Write into the lab's ledger what the worker says, until it says `end`: a step's title, or a kind of resource."""
    for line in output:
        kind, what = json.loads(line)
        if kind != "step":
            _note(lab, kind, Resource(**what))
        if (kind, what if kind == "step" else what["kind"]) == end:
            return
    raise AssertionError(f"the worker ended before it said {end}")


def _note(lab: Lab, kind: str, resource: Resource) -> None:
    known = next((each for each in lab.book.entries if each.resource.name == resource.name), None)
    line: Any = known or lab.book.plan(resource.account, resource.place, resource.kind, resource.name)
    if resource.reference:
        line.made(resource.reference)
    line.is_gone = kind == "gone"


if __name__ == "__main__":
    main()
