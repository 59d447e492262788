"""Stands where the engine is: `builds.runner` calls it as it calls `builds.engine.pipeline`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from builds.engine import plugin
from builds.engine.context import Context
from builds.engine.formats.base import PlacedFormat
from builds.engine.image import Image, Size
from builds.engine.outcome import Outcome, Verdict

WORK = "Work"
REST = "Do the rest"


class FakePipeline:
    """`work` is the whole build, `rest` what is left to do of an unfinished one."""

    def __init__(
        self, work: Callable[[Context, Path], Outcome], rest: Callable[[Context, Outcome], Outcome] | None = None
    ) -> None:
        self._work = work
        self._rest = rest

    def steps(self, plan: Any) -> list[str]:
        return [WORK]

    def finish_steps(self, plan: Any, made: Outcome) -> list[str]:
        return [REST]

    def build(self, plan: Any, context: Context, folder: Path) -> Outcome:
        with context.step(WORK) as step:
            return self._work(step, folder)

    def resume(self, plan: Any, made: Outcome, context: Context) -> Outcome:
        assert self._rest, "nothing was to be resumed"
        with context.step(REST) as step:
            return self._rest(step, made)


class CloudFormat(PlacedFormat):
    """Imported from a raw disk, and copied to a second region. Notes what it is asked for outside."""

    name = "cloud"
    label = "Cloud"
    source = "raw"
    account_kind = "cloud"

    class Options(plugin.Options):
        account: str = ""
        region: str = ""

    def __init__(self, options: Any = None) -> None:
        super().__init__(options or self.Options())
        self.calls: list[tuple[Any, ...]] = []
        self.error: Exception | None = None

    def make(self, *arguments: Any) -> Any:
        raise NotImplementedError

    boot = make

    def copies(self, plan: Any) -> tuple[str, ...]:
        return ("west",)

    def publish(self, image: Image, channels: tuple[str, ...], context: Context) -> None:
        self._note("publish", image.reference, channels)

    def withdraw(self, image: Image, context: Context) -> None:
        self._note("withdraw", image.reference)

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.error:
            raise self.error


class FakePlatform:
    account_kind = ""
    options = None

    def __init__(self) -> None:
        self.swept: list[str] = []

    def sweep(self, build: str, work: Path) -> None:
        self.swept.append(build)


def fake_plan(**fields: Any) -> Any:
    formats = (
        SimpleNamespace(name="qcow2", suffix=".qcow2", media_type="application/x-qemu-disk", account_kind=""),
        SimpleNamespace(name="ova", suffix=".ova", media_type="application/ovf", account_kind=""),
    )
    size = Size(cpus=1, memory=2**30, disk=2**31)
    defaults = {"variables": {}, "secrets": frozenset(), "platform": FakePlatform(), "size": size}
    return SimpleNamespace(**{"name": "acme-wiki-1.0.0", "formats": formats, **defaults, **fields})


def two_images(context: Context, folder: Path) -> Outcome:
    """A build that works."""
    context.console.write("working\n")
    images = {}
    for name in ("qcow2", "ova"):
        path = folder / f"image.{name}"
        path.write_bytes(name.encode() * 1000)
        images[name] = Image(name, path, details={"kind": name})
    verdicts = tuple(Verdict(name, "boots", True, "answered after 3.0 s") for name in images)
    evidence = {name: {"boot_seconds": 3.0} for name in images}
    return Outcome(images, verdicts=verdicts, evidence=evidence)


def slow_images(context: Context, folder: Path) -> Outcome:
    """The same, long enough for another worker to come by."""
    context.wait(0.5)
    return two_images(context, folder)


def until_stopped(context: Context, folder: Path) -> Outcome:
    """A build that would last for ever."""
    context.console.write("waiting\n")
    while True:
        context.wait(0.05)
