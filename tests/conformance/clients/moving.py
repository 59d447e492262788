"""What leaves the catalog for good: a mirror that any web server serves, and boxes that another site imports."""

from __future__ import annotations

import sys

from tests.servers import served

from ..client import Client
from ..visit import Visit
from . import vagrant

COPY = "copy"


def mirror(visit: Visit) -> None:
    """Vagrant adds a box, and sha256sum finds a disk whole, from a folder behind Python's web server."""
    tree = visit.folder / "tree"
    tree.mkdir()
    disk, box = visit.catalog.file("qcow2"), visit.catalog.box
    with served(tree) as site:
        visit.catalog.installation.manage("export_mirror", str(tree), "--site", site)
        visit.run(
            *vagrant.box("add"), f"{site}/{box}/metadata.json", "--provider", "libvirt", says="Successfully added"
        )
        folder = f"{site}/{box}/{disk.version}/r1"
        visit.run("curl", "-fsS", "--remote-name-all", f"{folder}/SHA256SUMS", f"{folder}/{disk.name}")
    visit.run("sha256sum", "--check", "--ignore-missing", "SHA256SUMS", says=f"{disk.name}: OK")


def imported(visit: Visit) -> None:
    """Into another team of the same site."""
    here = visit.catalog.installation
    here.do(f'Team.objects.create(slug="{COPY}", name="Copy")')
    here.manage("import_boxes", "--from", visit.catalog.url, visit.catalog.box, "--team", COPY)
    box = f"{COPY}/{visit.catalog.box.partition('/')[2]}"
    visit.run(*vagrant.box("add"), box, "--provider", "libvirt", says="Successfully added box")
    visit.run(*vagrant.box("list"), says=f"{box} (libvirt, {visit.catalog.newest})")


CLIENT = Client(
    version=[sys.executable, "--version"],
    environment=vagrant.environment,
    actions={
        "a mirror’s box is added, its disk is whole": mirror,
        "boxes are imported with their versions": imported,
    },
)
