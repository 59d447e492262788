"""Stands where the engine is: `builds.runner` calls it as it calls `builds.engine.pipeline`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from builds.engine.context import Context
from builds.engine.image import Image
from builds.engine.outcome import Outcome, Verdict

WORK = "Work"


class FakePipeline:
    def __init__(self, work: Callable[[Context, Path], Outcome]) -> None:
        self._work = work

    def steps(self, plan: Any) -> list[str]:
        return [WORK]

    def build(self, plan: Any, context: Context, folder: Path) -> Outcome:
        with context.step(WORK) as step:
            return self._work(step, folder)


class FakePlatform:
    def __init__(self) -> None:
        self.swept: list[str] = []

    def sweep(self, build: str, work: Path) -> None:
        self.swept.append(build)


def fake_plan(**fields: Any) -> Any:
    formats = (
        SimpleNamespace(name="qcow2", suffix=".qcow2", media_type="application/x-qemu-disk"),
        SimpleNamespace(name="ova", suffix=".ova", media_type="application/ovf"),
    )
    defaults = {"variables": {}, "secrets": frozenset(), "platform": FakePlatform()}
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


def until_stopped(context: Context, folder: Path) -> Outcome:
    """A build that would last for ever."""
    context.console.write("waiting\n")
    while True:
        context.wait(0.05)
