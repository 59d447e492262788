"""A store, and stages of builds that never ran."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from builds.engine.console import Recorder
from builds.engine.context import Context
from builds.engine.layers import Layer
from builds.engine.layers.digests import digest_of
from builds.engine.layers.shelf import Fill
from builds.engine.layers.stages import Part, Stage
from builds.engine.layers.store import Store

MIB = 2**20


class Watched(Store):
    """Notes what it is told of its layers."""

    def __init__(self, folder: Path, **limits: Any) -> None:
        super().__init__(folder, b"the store's secret", **limits)
        self.seen: list[str] = []

    def kept(self, stored: Any, context: Context) -> None:
        self.seen.append(f"kept {stored.title}")

    def used(self, stored: Any, context: Context) -> None:
        self.seen.append(f"used {stored.title}")

    def dropped(self, key: str) -> None:
        self.seen.append(f"dropped {key}")


@pytest.fixture
def store(tmp_path: Path) -> Watched:
    return Watched(tmp_path / "layers")


@pytest.fixture
def console() -> Recorder:
    return Recorder()


@pytest.fixture
def context(tmp_path: Path, console: Recorder) -> Context:
    return Context("b1", tmp_path / "work", tmp_path / "cache", tmp_path / "source", console)


def stage(*parts: str, **marks: bool) -> Stage:
    """After parts such as "boot" or "file: site=1": a title, and the digest of the one input that it has."""
    made = [part.partition("=") for part in parts]
    key = digest_of(parts)
    return Stage(key, tuple(Part(title, {"file page": value}) for title, _, value in made), **marks)


def stages(*parts: str, **marks: bool) -> list[Stage]:
    return [stage(*parts[:count], **marks) for count in range(1, len(parts) + 1)]


def filled(size: int = 1000, details: Mapping[str, Any] | None = None) -> Fill:
    def fill(folder: Path) -> Mapping[str, Any]:
        (folder / "disk").write_bytes(b"x" * size)
        return details or {}

    return fill


@pytest.fixture
def keep(store: Watched, context: Context) -> Callable[..., list[Layer]]:
    """Keeps all these stages, each of that many bytes."""

    def keep(wanted: list[Stage], size: int = 1000) -> list[Layer]:
        kept: list[Layer] = []
        for each in wanted:
            if found := store.chain(each.key):
                kept.append(found[0].layer(()))
            else:
                kept.append(store.keep(each, kept[-1] if kept else None, 70.0, filled(size), context))
        return kept

    return keep
