"""Vagrant as users of boxes have it: with our address in VAGRANT_SERVER_URL, or with an appliance's address."""

from __future__ import annotations

from pathlib import Path

from ..catalog import Catalog
from ..client import Client
from ..visit import Visit


def init(visit: Visit) -> None:
    visit.run("vagrant", "init", "--minimal", visit.catalog.box)
    visit.run("cat", "Vagrantfile", says=f'config.vm.box = "{visit.catalog.box}"')
    (visit.folder / "Vagrantfile").unlink()


def add(visit: Visit) -> None:
    """The newest one, whose checksum Vagrant compares."""
    visit.run(*box("add"), visit.catalog.box, "--provider", "virtualbox", says="Successfully added box")
    visit.run(*box("list"), says=listed(visit, "virtualbox", visit.catalog.newest))


def add_older(visit: Visit) -> None:
    only = f"~> {visit.catalog.older}"  # 1.0.0, but not 1.1.0
    visit.run(*box("add"), visit.catalog.box, "--provider", "libvirt", "--box-version", only)
    visit.run(*box("list"), says=listed(visit, "libvirt", visit.catalog.older))


def outdated(visit: Visit) -> None:
    said = f"is outdated! Current: {visit.catalog.older}. Latest: {visit.catalog.newest}"
    visit.run(*box("outdated"), "--global", says=said)


def update(visit: Visit) -> None:
    visit.run(*box("update"), "--box", visit.catalog.box, "--provider", "libvirt", says="Successfully added box")
    visit.run(*box("list"), says=listed(visit, "libvirt", visit.catalog.newest))


def page(visit: Visit) -> None:
    again(visit, f"{visit.catalog.url}/{visit.catalog.box}")


def static(visit: Visit) -> None:
    again(visit, f"{visit.catalog.url}/{visit.catalog.box}/metadata.json")


def api(visit: Visit) -> None:
    """The address that Vagrant 2.4 makes of a box's name."""
    again(visit, f"{visit.catalog.url}/api/v2/vagrant/{visit.catalog.box}")


def again(visit: Visit, address: str) -> None:
    visit.run(*box("add"), "--force", address, "--provider", "libvirt", says="Successfully added box")


def box(verb: str) -> list[str]:
    return ["vagrant", "box", verb]


def listed(visit: Visit, provider: str, version: str) -> str:
    return f"{visit.catalog.box} ({provider}, {version})"


def environment(catalog: Catalog, folder: Path) -> dict[str, str]:
    home = folder / "vagrant.d"
    return {"VAGRANT_HOME": str(home), "VAGRANT_SERVER_URL": catalog.url, "VAGRANT_CHECKPOINT_DISABLE": "1"}


CLIENT = Client(
    version=["vagrant", "--version"],
    environment=environment,
    actions={
        "begins a project (init)": init,
        "adds a box by its name": add,
        "adds the newest that a constraint allows": add_older,
        "finds it outdated": outdated,
        "updates it": update,
        "adds a box by its page’s address": page,
        "adds a box by its metadata’s address": static,
        "adds a box by the address of version 2.4": api,
    },
)
