"""A whole installation with something on its catalog: built, tested and published as anything is."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

django.setup()

from tests.demo.stage import CONSOLE  # noqa: E402 -- models need the settings
from tests.guests import tiny  # noqa: E402
from tests.servers import served  # noqa: E402
from tests.system.installation import TEMPLATE, Installation  # noqa: E402

VERSIONS = ("1.0.0", "1.1.0")
FORMATS = "qcow2, ova, box-libvirt, box-virtualbox"
BUILD_SECONDS = 600


@dataclass(frozen=True)
class File:
    """One published file."""

    name: str
    format: str
    version: str
    size: int
    sha256: str
    url: str


@dataclass(frozen=True)
class Catalog:
    """What clients are told of it."""

    url: str
    folder: Path
    installation: Installation
    token: str
    """Of a maintainer, who may build and publish."""
    files: tuple[File, ...]
    box: str = "acme/tiny"
    team: str = "acme"
    older: str = VERSIONS[0]
    newest: str = VERSIONS[-1]

    def file(self, format: str, version: str = VERSIONS[-1]) -> File:
        return next(file for file in self.files if (file.format, file.version) == (format, version))

    def sums(self, version: str = VERSIONS[-1]) -> str:
        """The address of the checksums; of the folder with the files, too."""
        return f"{self.url}/{self.box}/{version}/r1/SHA256SUMS"

    @property
    def host(self) -> str:
        return "127.0.0.1"

    def api(self, path: str) -> Any:
        """What our own API says, to compare with what the client did."""
        request = urllib.request.Request(f"{self.url}{path}", headers={"Authorization": f"Bearer {self.token}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 -- our own address
            return json.load(response)


@contextmanager
def running(data: Path, port: int) -> Iterator[Catalog]:
    guest = tiny.make()
    with served(guest.disk.parent) as base:
        installation = Installation(data, port, f"{base}/{guest.disk.name}", guest)
        with installation.up(workers=2):
            CONSOLE.print(f"Building {', '.join(VERSIONS)} of a small appliance …")
            publish(installation, f"{base}/{guest.disk.name}", hashlib.sha256(guest.disk.read_bytes()).hexdigest())
            yield Catalog(installation.url, data, installation, token(installation), files(installation))


def publish(installation: Installation, base: str, sha256: str) -> None:
    templates = {
        version: TEMPLATE.format(
            url=base, sha256=sha256, words=f"this is {version}", pause=0, extra="true", formats=FORMATS
        )
        for version in VERSIONS
    }
    for version, builds in installation.build(templates).items():
        build = builds["qemu"]
        state = installation.wait_for_state(build, "succeeded", "failed", "cancelled", seconds=BUILD_SECONDS)
        if state != "succeeded":
            raise SystemExit(f"{version} was not built: {installation.error(build)}")
        installation.wait_for_revision(build, "published")


def token(installation: Installation) -> str:
    return installation.do(
        """
        maria = User.objects.create_user(username="maria")
        Membership.objects.create(team=Team.objects.get(slug="acme"), user=maria, role=Role.OWNER)
        print(Token.objects.issue("conformance", Scope.values, by=maria)[1])
        """
    )


def files(installation: Installation) -> tuple[File, ...]:
    rows = installation.rows(
        """
        select a.name, a.format, l.version, a.size, a.sha256 from builds_artifact a
        join builds_build b on b.id = a.build_id join appliances_revision r on r.id = b.revision_id
        join appliances_release l on l.id = r.release_id where a.file != '' order by l.version, a.name
        """
    )
    return tuple(
        File(name, format_, version, size, sha256, f"{installation.url}/acme/tiny/{version}/r1/{name}")
        for name, format_, version, size, sha256 in rows
    )
