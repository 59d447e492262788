"""Builds of the small guest, up to its captured disk. As a program, one that somebody kills:

python -m tests.engine.layers.building FOLDER CACHE PLAN
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from builds.engine import provisioning
from builds.engine.bases.debian import Debian, DebianOptions
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.layers import Layers, NoLayers
from builds.engine.layers.store import Store
from builds.engine.machine import Machine
from builds.engine.plan import Plan
from builds.engine.platforms.qemu.platform import Qemu
from builds.engine.provisioners import PROVISIONERS
from tests.guests import tiny
from tests.guests.fixtures import SIZE
from tests.guests.trees import tree

LIMIT = 300  # seconds for a build: ten times what it takes on an idle machine


class Eager(Qemu):
    """Keeps the boot, however short it was; every provisioner asks for its state to be kept."""

    worth: ClassVar[float] = 0.0


@dataclass
class Script:
    """What a build does: provisioners as a template has them, values of variables, files of the source."""

    provisioners: Sequence[Mapping[str, Any]]
    variables: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """{path: (content, mode)}"""

    def plan(self) -> Plan:
        made = []
        for each in self.provisioners:
            [(name, options)] = each.items()
            kind = PROVISIONERS[name]
            made.append(kind(kind.Options(**{"cache": True, **options})))
        return Plan("x", Eager(Eager.Options()), Debian(DebianOptions(debian="12")), SIZE, "none", tuple(made), (), ())


def new_context(script: Script, folder: Path, cache: Path, layers: Layers, console: Recorder) -> Context:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "work").mkdir(parents=True)
    for path, (content, mode) in script.files.items():
        file = folder / "source" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
        file.chmod(mode)
    (folder / "source").mkdir(exist_ok=True)
    context = Context(
        build=folder.name,
        work=folder / "work",
        cache=cache,
        source=folder / "source",
        console=console,
        variables=script.variables,
        secrets=frozenset({"password"} & script.variables.keys()),
        layers=layers,
    )
    return context.within(LIMIT, "The test's build")


def built(script: Script, folder: Path, cache: Path, layers: Layers | None = None) -> tuple[dict[str, str], Recorder]:
    """What is on the disk in the end."""
    console = Recorder()
    context = new_context(script, folder, cache, layers or NoLayers(), console)
    plan = script.plan()
    with provisioning.provisioned(plan, tiny.make().direct_image(), context) as machine:
        image = _captured(machine, plan, context)
    found = tree(image, folder / "tree")
    shutil.rmtree(folder)
    return found, console


def _captured(machine: Machine, plan: Plan, context: Context) -> Path:
    assert isinstance(plan.platform, Qemu)
    return plan.platform.capture(machine, context).file


if __name__ == "__main__":
    folder, cache, said = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
    built(Script(**said), folder / "build", cache, Store(folder / "layers", b"secret"))
    sys.stdout.write("done\n")
