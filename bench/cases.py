"""The cases: what is timed on either side. Each is a pair of callables; the ratio is ours through the peer's."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from builds.engine.bases import BASES
from builds.engine.console import Recorder
from builds.engine.context import Context
from config.settings import DATA_DIR

from . import download, ebs, metadata, packer, platforms, site, slipway


@dataclass(frozen=True)
class Case:
    """`ours` and `peer` do the work once; `asks` is the most that ours through peer may be.

    Of how much work that is, in `unit`, there is a rate.
    """

    title: str
    ours: Callable[[], None]
    peer: Callable[[], None]
    asks: float
    amount: float = 0
    unit: str = ""

    def shown(self, seconds: float) -> str:
        return f"{seconds:.1f} s" + (f", {self.amount / seconds:,.0f} {self.unit}/s" if self.unit else "")


def cold(work: Path, _: ExitStack) -> Case:
    template = packer.prepare(the_base(work), work / "packer")
    ours = partial(slipway.build, work / "one", ["qcow2"])
    return Case("one format, against Packer", ours, partial(packer.build, template), 1.0)


def cold_all(work: Path, _: ExitStack) -> Case:
    the_base(work)
    ours = partial(slipway.build, work / "all", [])
    return Case("all seven formats, against our one", ours, partial(slipway.build, work / "one", ["qcow2"]), 1.3)


def upload(work: Path, stack: ExitStack) -> Case:
    ours, peer = ebs.prepare(work / "ebs", stack)
    return Case("a disk to EBS, against a bare loop of boto3 threads", ours, peer, 1.25)


def together(work: Path, stack: ExitStack) -> Case:
    ours, peer = platforms.prepare(work / "platforms", stack)
    return Case("four platforms at once, against qemu alone", ours, peer, 1.2)


def revalidation(work: Path, stack: ExitStack) -> Case:
    ours, peer = metadata.prepare(work / "metadata", stack)
    title = "Vagrant's metadata that the client has, against an empty view, on one core (300 requests/s are asked)"
    return Case(title, ours, peer, 4.0, metadata.REQUESTS, "requests")


def large_file(work: Path, stack: ExitStack) -> Case:
    ours, peer = download.prepare(work / "download", stack)
    return Case("a large box, against nginx", ours, peer, 1.25, download.TIMES * site.SIZE / 2**20, "MiB")


CASES: dict[str, Callable[[Path, ExitStack], Case]] = {
    "cold": cold,
    "cold-all": cold_all,
    "ebs": upload,
    "platforms": together,
    "metadata": revalidation,
    "download": large_file,
}
"""What makes each ready; what it has started runs until the stack is closed."""


def the_base(work: Path) -> Path:
    """The base's disk, made before the clock starts: both sides begin from it."""
    scratch = work / "base"
    scratch.mkdir(parents=True, exist_ok=True)
    context = Context(build="bench", work=scratch, cache=DATA_DIR / "cache", source=scratch, console=Recorder())
    debian = BASES["debian"]
    return debian(debian.Options.model_validate({"debian": "12"})).prepare(context).file
