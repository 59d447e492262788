"""One layer in a store: a folder, and in it `layer.json`, which is written last and tells all about it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from .layer import Layer, for_us_alone
from .stages import Part

RECORD = "layer.json"


class Broken(Exception):  # noqa: N818
    """This folder holds no whole layer."""


@dataclass(frozen=True)
class Stored:
    """What `layer.json` says."""

    key: str
    parent: str
    """The key of the layer that it continues; empty: none."""
    title: str
    parts: tuple[Part, ...]
    private: bool
    fetched: bool
    made: float
    """Unix time."""
    seconds: float
    """From the start to this state: what going on from it saves."""
    files: Mapping[str, int]
    """Their names and lengths: one of another length is damaged."""
    size: int
    """What it takes on the disk, in bytes."""
    details: Mapping[str, Any]
    folder: Path = field(default=Path(), compare=False)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises FileNotFoundError when there is none, Broken when it is damaged."""
        try:
            said = json.loads((folder / RECORD).read_text())
            parts = tuple(Part(title, inputs) for title, inputs in said.pop("parts"))
            stored = cls(**said, parts=parts, folder=folder)
            whole = stored.key == folder.name and all(
                (folder / name).stat().st_size == length for name, length in stored.files.items()
            )
        except FileNotFoundError:
            if folder.exists():
                raise Broken(f"{folder.name} has lost a file") from None
            raise
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise Broken(f"{folder.name} cannot be read: {error}") from error
        if not whole:
            raise Broken(f"{folder.name} is damaged")
        return stored

    def write(self, folder: Path) -> None:
        said = asdict(self)
        del said["folder"]
        said["parts"] = [[part.title, part.inputs] for part in self.parts]
        with open(folder / RECORD, "x", opener=for_us_alone) as file:
            json.dump(said, file)
            file.flush()
            os.fsync(file.fileno())

    @property
    def used(self) -> float:
        """Unix time; when a build last went on from it or from what continues it."""
        return (self.folder / RECORD).stat().st_mtime

    def layer(self, parents: tuple[Layer, ...]) -> Layer:
        details = {**self.details, "seconds": self.seconds}
        return Layer(self.key, details, self.folder, parents, tuple(self.details.get("holds", ())))
