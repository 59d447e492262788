"""A place outside that every test can have: a folder whose files are the resources, behind a real account plug-in.

A file's name is the resource's id; it holds the tags as JSON. `refuse` and `hang` make the place behave badly.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Literal

from django.conf import settings
from pydantic import Field, model_validator

from builds.engine.accounts.base import SECRET, Account, Report
from builds.engine.context import Context
from builds.engine.errors import BuildError
from builds.engine.ledger import Resource
from builds.engine.plugin import Options as PluginOptions


class Yard(Account):
    name = "yard"
    label = "Yard"
    order = ("crane", "rope")

    class Options(PluginOptions):
        folder: str = Field(min_length=1)
        """Where the yard is. Each place is a folder in it."""
        token: str = Field(min_length=8, json_schema_extra=SECRET)
        """What opens the gate."""
        badge: str = Field("", json_schema_extra=SECRET)
        """A second secret that not everybody has."""
        gate: Literal["north", "south"] = "north"
        """Which of the two gates."""
        depth: int = Field(3, ge=1, le=9)
        """How deep it is."""
        charter: str = Field("", json_schema_extra={"multiline": True})
        """Text of many lines."""

        @model_validator(mode="after")
        def _agree(self) -> Yard.Options:
            if self.badge and self.gate == "south":
                raise ValueError("the south gate takes no `badge`")
            return self

    hang = threading.Event()
    """Set: calls wait until it is cleared."""

    @property
    def places(self) -> tuple[str, ...]:
        return ("home",)

    @property
    def root(self) -> Path:
        while self.hang.is_set():
            threading.Event().wait(0.02)
        root = Path(self.options.folder)
        if not root.is_dir() or (root / "gate").read_text() != self.options.token:
            raise BuildError(f"The gate does not open for {self.options.token}.", hint="Ask the warden.")
        return root

    def test(self) -> Report:
        return Report(f"warden of {self.root.name}", ("yard:Lift",), (f"{self.options.gate} gate",))

    def held(self, places: Collection[str], tags: Mapping[str, str]) -> Iterator[tuple[str, Resource]]:
        for place in places:
            if (self.root / place / "closed").exists():
                raise BuildError(f"{place} is closed.")
            for path in sorted((self.root / place).glob("*.*")):
                seen = json.loads(path.read_text())
                if tags.items() <= seen.items():
                    name = seen.get("slipway:resource", "")
                    yield (
                        seen.get("slipway:build", ""),
                        Resource(self.named, place, path.suffix[1:], name, path.stem),
                    )

    def remove(self, resource: Resource, context: Context) -> None:
        for path in (self.root / resource.place).glob(f"*.{resource.kind}"):
            if resource.reference == path.stem or resource.name == json.loads(path.read_text()).get("slipway:resource"):
                if (path.parent / "stuck").exists():
                    raise BuildError(f"{path.name} is stuck.", hint="Oil it.")
                with (self.root / "removed").open("a") as log:
                    log.write(f"{path.name}\n")
                path.unlink()


def open_yard(folder: Path, token: str) -> None:
    folder.mkdir()
    (folder / "gate").write_text(token)


def put(folder: Path, file: str, build: str, *, name: str = "", place: str = "home", installation: str = "") -> Path:
    """Create the resource `file` ("id.kind") with our tags, as a build does."""
    path = folder / place / file
    path.parent.mkdir(exist_ok=True)
    tags = {"slipway:installation": installation or settings.INSTALLATION, "slipway:build": build}
    path.write_text(json.dumps(tags | ({"slipway:resource": name} if name else {})))
    return path
