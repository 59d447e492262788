"""The objects of a vCenter that a template names; all that are missing are found at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

from ..errors import BuildError
from ..plugin import Options
from ..quantities import Duration
from .session import Found, Session

GIB = 2**30


class Place(Options):
    """Where in a vCenter machines are made."""

    account: str = ""
    """The vSphere account, by the team's name for it. Empty: the only one."""
    datacenter: str = ""
    """Empty: the account's, or the only one."""
    cluster: str = ""
    """The cluster, or the host if it is in none. Empty: the only one."""
    resource_pool: str = ""
    """A path below the cluster: `builds` or `teams/builds`. Empty: the cluster's own."""
    datastore: str = ""
    """Where disks are kept. Empty: the one with the most free space."""
    folder: str = ""
    """The folder of machines and templates, a path: `images/linux`. Empty: the datacenter's own."""
    network: str = ""
    """The network of machines, with DHCP, which the worker reaches. Empty: the one that a template is in, or that an
    OVA names, or the only one."""
    isolated_network: str = ""
    """The network of machines that shall not reach the internet (`network: none`); the worker must reach it."""
    ip_timeout: Duration = 300
    """How long to wait for a machine's address."""


@dataclass(frozen=True)
class Site:
    """A place, found."""

    session: Session
    account: str
    """The account's name."""
    datacenter: Any
    path: str
    """The datacenter's, which the ledger knows it by."""
    pool: Any
    datastore: Any
    folder: Any
    network: Any
    """To be plugged into; None: whichever a machine is in."""
    networks: tuple[Found, ...]

    def entry(self, name: str) -> Any:
        """The machine or template of this name in the folder; None: there is none."""
        return self.session.content.searchIndex.FindChild(self.folder, name)


class Survey:
    """Looks for things and keeps what is wrong."""

    def __init__(self, session: Session, account: str = "", datacenter: str = "") -> None:
        """`account` is the account's name, `datacenter` the one of places that name none."""
        self.session = session
        self._account = account
        self._default = datacenter
        self.problems: list[str] = []

    def site(self, place: Place, network: str = "outside") -> Site | None:
        """The place; None when the problems say why not. `network`: "outside" or "none"."""
        datacenter = self.datacenter(place.datacenter or self._default)
        if datacenter is None:
            return None
        about = self.session.read(datacenter, "vmFolder", "hostFolder")
        path = path_of(self.session, datacenter)
        clusters = self.session.all(about["hostFolder"], vim.ComputeResource, "name", *_OF_CLUSTER)
        folder = self._below(about["vmFolder"], place.folder, "folder")
        cluster = self._choose(clusters, place.cluster, "cluster")
        if cluster is None:
            return None
        of_cluster = self.session.read(cluster, *_OF_CLUSTER)
        pool = self._below(of_cluster["resourcePool"], place.resource_pool, "resource_pool", "pool")
        datastore = self._datastore(of_cluster.get("datastore", ()), place.datastore)
        networks = tuple((each, self.session.read(each, "name")) for each in of_cluster.get("network", ()))
        card = self._network(networks, place, network)
        if None in (folder, pool, datastore):
            return None
        return Site(self.session, self._account, datacenter, path, pool, datastore, folder, card, networks)

    def card(self, site: Site, name: str) -> Any:
        """The network of a machine that is imported, and calls its own so."""
        if site.network is not None:
            return site.network
        namesakes = [each for each in site.networks if each[1].get("name") == name]
        return self._choose(namesakes or site.networks, "", "network")

    def machine(self, site: Site, name: str, option: str = "template") -> Any:
        """A machine or template by its path below the datacenter's folder, or by its name alone."""
        if "/" in name:
            if found := self.session.content.searchIndex.FindByInventoryPath(f"{site.path}/vm/{name.strip('/')}"):
                return found
            self.problems.append(f"`{option}`: there is no {name} in {site.path}.")
            return None
        known = self.session.all(site.datacenter, vim.VirtualMachine, "name")
        found = [entity for entity, about in known if about.get("name") == name]
        if len(found) > 1:
            self.problems.append(f"`{option}`: {site.path} has {len(found)} of the name {name}: give the path.")
        if not found:
            self.problems.append(f"`{option}`: there is no machine or template {name} in {site.path}.")
        return found[0] if len(found) == 1 else None

    def room(self, size: int, datastore: Any) -> None:
        """Is there room for a disk of that many bytes?"""
        about = self.session.read(datastore, "name", "summary.freeSpace")
        if (free := int(about.get("summary.freeSpace", 0))) < size:
            self.problems.append(
                f"`datastore`: {about['name']} has {free / GIB:.1f} GiB left, the machine needs {size / GIB:.1f} GiB."
            )

    def unused(self, site: Site, name: str) -> None:
        """Is the name free in the place's folder?"""
        if site.entry(name) is not None:
            self.problems.append(f"the name {name} is taken in {path_of(self.session, site.folder)}.")

    def check(self) -> None:
        """Raise BuildError with everything that was found."""
        if self.problems:
            lines = "\n".join(f"  {problem}" for problem in dict.fromkeys(self.problems))
            raise BuildError(
                f"The vCenter {self.session.host} has not what the build needs:\n{lines}",
                hint="Mend the options in the template, or what they name in the vCenter.",
            )

    def datacenter(self, name: str) -> Any:
        """By name or path; empty: the only one."""
        if "/" in name and (found := self.session.content.searchIndex.FindByInventoryPath(name)):
            return found
        known = self.session.all(self.session.content.rootFolder, vim.Datacenter, "name")
        return self._choose(known, name, "datacenter")

    def _network(self, networks: Sequence[Found], place: Place, network: str) -> Any:
        if network != "none":
            return self._choose(networks, place.network, "network") if place.network else None
        if place.isolated_network:
            return self._choose(networks, place.isolated_network, "isolated_network")
        self.problems.append(
            "`network: none` is not possible here: a machine is reached by its network alone. Name one that leads "
            "nowhere but to the worker: `isolated_network`."
        )
        return None

    def _below(self, top: Any, path: str, option: str, word: str = "folder") -> Any:
        for part in filter(None, path.split("/")):
            if (top := self.session.content.searchIndex.FindChild(top, part)) is None:
                self.problems.append(f"`{option}`: there is no {word} {path}.")
                return None
        return top

    def _datastore(self, known: Sequence[Any], name: str) -> Any:
        about = ("name", "summary.accessible", "summary.maintenanceMode", "summary.freeSpace")
        stores = [(each, self.session.read(each, *about)) for each in known]
        usable = [each for each in stores if each[1].get("summary.accessible") and not _in_maintenance(each[1])]
        if name or not usable:
            return self._choose(usable, name, "datastore")
        return max(usable, key=lambda each: int(each[1].get("summary.freeSpace", 0)))[0]

    def _choose(self, known: Sequence[Found], name: str, option: str) -> Any:
        found = [entity for entity, about in known if name in ("", about.get("name"))]
        if len(found) == 1:
            return found[0]
        names = ", ".join(sorted(str(about.get("name")) for _, about in known)) or "none that can be used"
        if name:
            self.problems.append(f"`{option}`: there is no {name}; there are: {names}.")
        else:
            self.problems.append(f"`{option}`: say which one; there are: {names}.")
        return None


_OF_CLUSTER = ("resourcePool", "datastore", "network")


def _in_maintenance(about: Any) -> bool:
    return str(about.get("summary.maintenanceMode", "normal")) != "normal"


def path_of(session: Session, entity: Any) -> str:
    """From the root folder: "DC0", "Europe/DC0/vm/images"."""
    parts: list[str] = []
    while entity is not None and entity != session.content.rootFolder:
        about = session.read(entity, "name", "parent")
        parts.insert(0, str(about["name"]))
        entity = about.get("parent")
    return "/".join(parts)
