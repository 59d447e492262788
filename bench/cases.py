"""The cases: what is timed on either side, and what is asked. `prepare`-like work happens before the clock starts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from builds.engine.bases import BASES
from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.image import Image
from config.settings import DATA_DIR

from . import again, download, ebs, export, installation, metadata, packer, platforms, site, slipway

PACKER = "packer"


@dataclass(frozen=True)
class Case:
    """`ours` and `peer` do the work once; `asks` is the most that ours through peer may be.

    Cases of one `shared` peer are run together, and its time in a run holds for all of them. `before` is done before
    each of our runs, untimed; `after` looks at what the last runs have left and says something about it.
    Of how much work that is, in `unit`, there is a rate.
    """

    title: str
    ours: Callable[[], object]
    peer: Callable[[], object]
    asks: float
    shared: str = ""
    before: Callable[[], object] = lambda: None
    after: Callable[[], str] = lambda: ""
    amount: float = 0
    unit: str = ""

    def shown(self, seconds: float) -> str:
        return f"{seconds:.1f} s" + (f", {self.amount / seconds:,.0f} {self.unit}/s" if self.unit else "")


@dataclass(frozen=True)
class Limit:
    """One number of ours; `asks` is the most seconds that it may be."""

    title: str
    measure: Callable[[], float]
    asks: float
    shared: str = ""


def cold(work: Path, _: ExitStack) -> Case:
    ours = partial(slipway.build, work / "one", ["qcow2"])
    title = "One format, untested, from nothing but the base; against Packer's."
    return Case(title, ours, the_packer(work), 0.5, PACKER)


def cold_all(work: Path, _: ExitStack) -> Case:
    the_base(work)
    ours = partial(slipway.build, work / "all", tested=True)
    return Case("All seven formats, each launched and checked; against Packer's one, untested.", ours,
                the_packer(work), 1.0, PACKER)  # fmt: skip


def cold_tuned(work: Path, _: ExitStack) -> Case:
    peer = partial(packer.build, packer.prepare(the_base(work), work / "packer-tuned", tuned=True))
    title = "As `cold`, with our processor, kernel, first program and package lists given to Packer, too."
    return Case(title, partial(slipway.build, work / "one", ["qcow2"]), peer, 1.0)


def formats(work: Path, _: ExitStack) -> Case:
    the_base(work)
    ours = partial(slipway.build, work / "all")
    peer = partial(slipway.build, work / "one", ["qcow2"])
    return Case("All seven formats, untested; against our own one.", ours, peer, 1.3)


def rebuild_last(work: Path, _: ExitStack) -> Case:
    before, ours = again.rebuild(work / "rebuild-last")
    title = "All seven formats, untested, after the last script was changed; against Packer's one."
    return Case(title, ours, the_packer(work), 0.1, PACKER, before)


def retry(work: Path, _: ExitStack) -> Case:
    before, ours = again.retry(work / "retry")
    title = "All seven formats, untested, after the last script had failed and was mended; against Packer's one."
    return Case(title, ours, the_packer(work), 0.1, PACKER, before)


def all_exports(work: Path, _: ExitStack) -> Case:
    ours, peer = export.prepare(work / "export")
    title = "All seven formats of a disk with 2 GiB of files; against qemu-img, tar and gzip one after the other."
    return Case(title, ours, peer, 0.1, after=partial(export.compare, work / "export"))


def overhead(work: Path, stack: ExitStack) -> Case:
    the_base(work)
    ask = the_installation(work, stack)
    title = "From a save to the end of its tested build, on a running installation; against `manage.py build`."
    return Case(title, partial(ask, "build"), partial(installation.alone, work / "alone"), 1.02)


def latency(work: Path, stack: ExitStack) -> Limit:
    the_base(work)
    title = f"From a save to its build's first step, with a warm worker: 95 % of {installation.SAVES} saves."
    return Limit(title, partial(the_installation(work, stack), "latency"), 1.0)


def unchanged(work: Path, stack: ExitStack) -> Limit:
    the_base(work)
    title = "A save of what is there already, which builds nothing."
    return Limit(title, partial(the_installation(work, stack), "unchanged"), 2.0)


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


CASES: dict[str, Callable[[Path, ExitStack], Case | Limit]] = {
    "cold": cold,
    "cold-all": cold_all,
    "cold-tuned": cold_tuned,
    "rebuild-last": rebuild_last,
    "retry": retry,
    "formats": formats,
    "export": all_exports,
    "overhead": overhead,
    "latency": latency,
    "unchanged": unchanged,
    "ebs": upload,
    "platforms": together,
    "metadata": revalidation,
    "download": large_file,
}
"""What makes each ready; what it has started runs until the stack is closed."""

_installations: dict[Path, Callable[[str], float]] = {}


def the_installation(work: Path, stack: ExitStack) -> Callable[[str], float]:
    """One for all cases that ask one."""
    if work not in _installations:
        _installations[work] = installation.prepare(work / "installation", stack)
    return _installations[work]


def the_packer(work: Path) -> Callable[[], None]:
    return partial(packer.build, packer.prepare(the_base(work), work / "packer"))


def the_base(work: Path) -> Image:
    """The base's disk, made before the clock starts: both sides begin from it."""
    scratch = work / "base"
    scratch.mkdir(parents=True, exist_ok=True)
    context = Context(build="bench", work=scratch, cache=DATA_DIR / "cache", source=scratch, console=Recorder())
    debian = BASES["debian"]
    return debian(debian.Options.model_validate({"debian": "12"})).prepare(context)
