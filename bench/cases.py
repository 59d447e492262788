"""The cases: what is timed on either side. Each is a pair of callables; the ratio is ours through the peer's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from builds.engine.bases import BASES
from builds.engine.console import Recorder
from builds.engine.context import Context
from config.settings import DATA_DIR

from . import packer, slipway


@dataclass(frozen=True)
class Case:
    """`ours` and `peer` do the work once; `asks` is the most that ours through peer may be."""

    title: str
    ours: Callable[[], None]
    peer: Callable[[], None]
    asks: float


def cases(work: Path) -> dict[str, Case]:
    base = the_base(work)
    template = packer.prepare(base, work / "packer")
    one = lambda: slipway.build(work / "one", ["qcow2"])  # noqa: E731
    return {
        "cold": Case("one format, against Packer", one, lambda: packer.build(template), 1.0),
        "cold-all": Case(
            "all seven formats, against our one", lambda: slipway.build(work / "all", []), one, 1.3
        ),
    }  # fmt: skip


def the_base(work: Path) -> Path:
    """The base's disk, made before the clock starts: both sides begin from it."""
    scratch = work / "base"
    scratch.mkdir(parents=True, exist_ok=True)
    context = Context(build="bench", work=scratch, cache=DATA_DIR / "cache", source=scratch, console=Recorder())
    debian = BASES["debian"]
    return debian(debian.Options.model_validate({"debian": "12"})).prepare(context).file
