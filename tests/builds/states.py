"""Layers without machines: a file stands for what a machine was."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.layers import Layer, Layers
from builds.engine.layers.stages import Part, Stage, digest_of


def stages(*scripts: str, **marks: Any) -> list[Stage]:
    """Of a build with these provisioners: after the boot, and after each of them."""
    parts = [Part("the boot of debian:12", {"base": digest_of("bookworm")})]
    parts += [Part(f"{at}. shell: {text}", {"option script": digest_of(text)}) for at, text in enumerate(scripts, 1)]
    prefixes = [tuple(parts[:count]) for count in range(1, len(parts) + 1)]
    return [Stage(key(prefix), prefix, **marks) for prefix in prefixes]


def key(parts: tuple[Part, ...]) -> str:
    return digest_of([[part.title, sorted(part.inputs.items())] for part in parts])


def context(folder: Path) -> Context:
    return Context(build="build-1", work=folder, cache=folder, source=folder, console=Recorder())


def keep(store: Layers, wanted: list[Stage], where: Context, *, seconds: float = 60) -> Layer:
    """Store all of these, one continuing the other; the last one's."""
    after = None
    for at, stage in enumerate(wanted, 1):
        after = store.keep(stage, after, seconds * at, fill, where)
    assert after
    return after


def fill(folder: Path) -> Mapping[str, Any]:
    for name in ("disk.qcow2", "ram.zst"):
        (folder / name).write_bytes(name.encode() * 1000)
    return {"login": "a key"}
