"""The other one that scripts download with."""

from __future__ import annotations

from ..client import Client
from ..visit import Visit
from .curl import whole


def download(visit: Visit) -> None:
    file = visit.catalog.file("ova")
    visit.run("wget", "-q", file.url)
    whole(visit, file.name, file.sha256)


def resume(visit: Visit) -> None:
    """After a third of the file the line was cut."""
    file = visit.catalog.file("ova")
    path = visit.folder / file.name
    path.write_bytes(path.read_bytes()[: file.size // 3])
    visit.run("wget", "--continue", "--progress=dot:giga", file.url, says="206 Partial Content")
    whole(visit, file.name, file.sha256)


def spider(visit: Visit) -> None:
    visit.run("wget", "--spider", visit.catalog.file("qcow2").url, says="200 OK")


CLIENT = Client(
    version=["wget", "--version"],
    actions={
        "downloads an OVA": download,
        "goes on with a broken download": resume,
        "looks whether a file is there": spider,
    },
)
