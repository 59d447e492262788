"""simplestreams' own tools, which MAAS and the cloud images' mirrors use."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..catalog import Catalog
from ..client import Client
from ..visit import Visit

INDEX = "streams/v1/index.sjson"


def query(visit: Visit) -> None:
    keyring(visit)
    argv = ["sstream-query", "--keyring=./keyring.gpg", f"{visit.catalog.url}/{INDEX}"]
    visit.run(*argv, says=visit.catalog.file("qcow2").sha256)


def mirror(visit: Visit) -> None:
    """The newest version of everything, with its files."""
    keyring(visit)
    argv = [
        "sstream-mirror",
        "--keyring=./keyring.gpg",
        "--max=1",
        f"--path={INDEX}",
        f"{visit.catalog.url}/",
        "mirror",
    ]
    visit.run(*argv)
    disk = visit.catalog.file("qcow2")
    visit.expect(list((visit.folder / "mirror").rglob(disk.name)), f"{disk.name} is not in the mirror.")


def keyring(visit: Visit) -> None:
    visit.run("curl", "-fsSO", f"{visit.catalog.url}/keys/openpgp.asc")
    visit.run("gpg", "--batch", "--yes", "--dearmor", "-o", "keyring.gpg", "openpgp.asc")


def environment(catalog: Catalog, folder: Path) -> dict[str, str]:
    """Debian has no package of them: they are installed with the tests."""
    return {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


CLIENT = Client(
    version=[sys.executable, "-c", "from importlib import metadata as m; print(m.version('python-simplestreams'))"],
    environment=environment,
    actions={"lists what a signed index has": query, "mirrors the newest versions": mirror},
)
