"""virt-builder, from libguestfs' guestfs-tools."""

from __future__ import annotations

import json
from pathlib import Path

from ..catalog import Catalog
from ..client import Client
from ..visit import Visit


def listed(visit: Visit) -> None:
    """It checks the index' signature with the key that its configuration names."""
    visit.run("virt-builder", "--list", says="tiny")


def as_json(visit: Visit) -> None:
    said = visit.run("sh", "-c", "virt-builder --list --list-format json 2>/dev/null")
    visit.expect("tiny" in json.dumps(json.loads(said)["templates"]), "Our appliance is not among its templates.")


def environment(catalog: Catalog, folder: Path) -> dict[str, str]:
    repositories = folder / "config" / "virt-builder" / "repos.d"
    repositories.mkdir(parents=True)
    (repositories / "slipway.conf").write_text(
        f"[slipway]\nuri={catalog.url}/virt-builder/index.asc\ngpgkey={catalog.url}/keys/openpgp.asc\n"
    )
    config = str(folder / "config")
    return {"XDG_CONFIG_HOME": config, "XDG_CONFIG_DIRS": config, "XDG_CACHE_HOME": str(folder / "cache")}


CLIENT = Client(
    version=["virt-builder", "--version"],
    environment=environment,
    actions={"lists the templates of a signed index": listed, "lists them as JSON": as_json},
)
