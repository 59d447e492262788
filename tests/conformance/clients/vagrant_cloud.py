"""`vagrant cloud`: what publishers of boxes already have in their scripts."""

from __future__ import annotations

from pathlib import Path

from ..catalog import Catalog
from ..client import Client
from ..visit import Visit
from . import vagrant

BOX, PRIVATE = "moved", "inside"


def whoami(visit: Visit) -> None:
    visit.run("vagrant", "cloud", "auth", "whoami", says="maria")


def publish(visit: Visit) -> None:
    """In one command: the box, its version, its provider, the upload, the release."""
    file = given(visit)
    argv = ["vagrant", "cloud", "publish", "--force", "--release", "--short-description", "Made elsewhere."]
    argv += ["--checksum", visit.catalog.file("box-libvirt").sha256, "--checksum-type", "sha256"]
    visit.run(*argv, name(visit), "1.0.0", "libvirt", file)
    again = visit.run("vagrant", "cloud", "box", "show", name(visit))
    visit.expect("1.0.0" in again, "The box does not show its version.")


def step_by_step(visit: Visit) -> None:
    file, version = given(visit), [name(visit), "2.0.0"]
    cloud = ["vagrant", "cloud"]
    visit.run(*cloud, "version", "create", *version, "--description", "The next one.")
    visit.run(*cloud, "provider", "create", name(visit), "libvirt", "2.0.0")
    visit.run(*cloud, "provider", "upload", name(visit), "libvirt", "2.0.0", file)
    visit.run(*cloud, "version", "release", *version, "--force")


def search(visit: Visit) -> None:
    visit.run("vagrant", "cloud", "search", BOX, says=name(visit))


def add(visit: Visit) -> None:
    visit.run(*vagrant.box("add"), name(visit), "--provider", "libvirt", says="Successfully added box")
    visit.run(*vagrant.box("list"), says=f"{name(visit)} (libvirt, 2.0.0)")


def revoke(visit: Visit) -> None:
    visit.run("vagrant", "cloud", "version", "revoke", name(visit), "2.0.0", "--force")
    metadata = visit.run("curl", "-fsS", "-H", "Accept: application/json", f"{visit.catalog.url}/{name(visit)}")
    visit.expect('"2.0.0"' not in metadata and '"1.0.0"' in metadata, "The revoked version is still on offer.")


def private(visit: Visit) -> None:
    box = f"{visit.catalog.team}/{PRIVATE}"
    argv = ["vagrant", "cloud", "publish", "--force", "--release", "--private", box, "1.0.0", "libvirt", given(visit)]
    visit.run(*argv)
    asked = ["curl", "-sS", "-o", "answer", "-w", "%{http_code}", "-H", "Accept: application/json"]
    visit.run(*asked, f"{visit.catalog.url}/{box}", says="404")
    visit.run(*vagrant.box("add"), box, "--provider", "libvirt", says="Successfully added box")


def name(visit: Visit) -> str:
    return f"{visit.catalog.team}/{BOX}"


def given(visit: Visit) -> str:
    """A box that somebody made: one of ours serves as well as any."""
    visit.run("curl", "-fsSo", "given.box", visit.catalog.file("box-libvirt").url)
    return "given.box"


def environment(catalog: Catalog, folder: Path) -> dict[str, str]:
    return {**vagrant.environment(catalog, folder), "VAGRANT_CLOUD_TOKEN": catalog.token}


CLIENT = Client(
    version=["vagrant", "--version"],
    environment=environment,
    actions={
        "signs in with a token": whoami,
        "publishes a box in one command": publish,
        "publishes a version step by step": step_by_step,
        "searches": search,
        "adds what was published": add,
        "revokes a version": revoke,
        "publishes a private box": private,
    },
)
