"""virt-builder, from libguestfs' guestfs-tools."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ..catalog import Catalog
from ..client import Client
from ..visit import Visit

# Debian's package brings sources of its own, on the internet, which it would ask, too.
ALONE = ("bwrap", "--dev-bind", "/", "/", "--tmpfs", "/etc/virt-builder")


def listed(visit: Visit) -> None:
    """It checks the index' signature with the key that its configuration names."""
    visit.run("curl", "-fsSO", f"{visit.catalog.url}/keys/openpgp.asc")
    visit.run(*ALONE, "virt-builder", "--list", says="tiny")


def as_json(visit: Visit) -> None:
    said = visit.run(*ALONE, "sh", "-c", "virt-builder --list --list-format json 2>/dev/null")
    visit.expect("tiny" in json.dumps(json.loads(said)["templates"]), "Our appliance is not among its templates.")


def fetched(visit: Visit) -> None:
    visit.run(*ALONE, "virt-builder", "--cache-all-templates")
    found = [hashlib.sha256(each.read_bytes()).hexdigest() for each in (visit.folder / "cache/virt-builder").iterdir()]
    visit.expect(visit.catalog.file("qcow2").sha256 in found, "The disk in its cache is not what was published.")


def environment(catalog: Catalog, folder: Path) -> dict[str, str]:
    repositories = folder / "config" / "virt-builder" / "repos.d"
    repositories.mkdir(parents=True)
    (repositories / "slipway.conf").write_text(
        f"[slipway]\nuri={catalog.url}/virt-builder/index.asc\ngpgkey=file://{folder}/openpgp.asc\n"
    )
    return {
        "XDG_CONFIG_HOME": str(folder / "config"),
        "XDG_CONFIG_DIRS": "none",
        "XDG_CACHE_HOME": str(folder / "cache"),
    }


CLIENT = Client(
    version=["virt-builder", "--version"],
    environment=environment,
    actions={
        "lists the templates of a signed index": listed,
        "lists them as JSON": as_json,
        "fetches a disk": fetched,
    },
)
