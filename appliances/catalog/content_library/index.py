"""What a library says of itself and its items.

A vCenter asks for `lib.json`; when its version is higher than the last time it reads the items, and takes again those
whose version is higher. It expects versions to be strings and etags to be decimal numbers.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import quote

from django.conf import settings

from appliances import editions
from appliances.models import Release, Revision, Team
from builds.models import Artifact

from ..offers import Document, Shop, dotted
from .members import in_library, members_of

TOP = "vcsp"
NAME_LIMIT = 80
MEDIA_TYPE = "application/json"
TOLD = "%Y-%m-%dT%H:%MZ"


@dataclass(frozen=True)
class Library:
    """A team's, or without one the whole catalog's."""

    team: Team | None = None

    @property
    def root(self) -> str:
        """Its folder on this site. All addresses in its documents are relative to it."""
        return f"{TOP}/{self.team.slug}" if self.team else TOP

    @property
    def name(self) -> str:
        return self.team.name if self.team else "Slipway"

    @cached_property
    def id(self) -> str:
        return lasting_id("team", self.team.pk) if self.team else lasting_id("catalog")

    @property
    def edition(self) -> int:
        return self.team.edition if self.team else editions.current()

    @property
    def created_at(self) -> datetime:
        if self.team:
            return self.team.created_at
        first = Team.objects.order_by("created_at").values_list("created_at", flat=True).first()
        return first or datetime(2000, 1, 1, tzinfo=UTC)

    def describe(self) -> dict[str, Any]:
        """lib.json"""
        return {
            "vcspVersion": "2",
            "version": counted(self.edition),
            "contentVersion": "1",
            "name": self.name[:NAME_LIMIT],
            "id": self.id,
            "created": self.created_at.astimezone(UTC).strftime(TOLD),
            "capabilities": {"transferIn": ["httpGet"], "transferOut": ["httpGet"]},
            "itemsHref": "items.json",
        }

    def item(self, artifact: Artifact) -> dict[str, Any]:
        """item.json, and an entry of items.json. The item lives as long as its release, whatever is built for it."""
        revision = artifact.build.revision
        release = revision.release
        # Only new files count: a vCenter may copy an item with a higher version again, disks and all.
        version = counted(revision.edition)
        item_id = lasting_id("release", release.pk)
        about = {
            "id": item_id,
            "version": version,
            "libraryIdParent": self.id,
            "isVappTemplate": "false",
            "vmTemplate": None,
            "vappTemplate": None,
            "networks": [],
            "storagePolicyGroups": None,
        }
        return {
            "created": (release.published_at or release.created_at).astimezone(UTC).strftime(TOLD),
            "description": release.appliance.summary,
            "version": version,
            "contentVersion": version,
            "id": item_id,
            "name": short(self._title(release), item_id),
            "type": "vcsp.ovf",
            "properties": {},
            "selfHref": quote(self.item_path(release)),
            "files": [
                {"name": each.name, "size": each.size, "etag": version, "hrefs": [self._file(revision, each.name)]}
                for each in members_of(artifact)
            ],
            "metadata": [
                {
                    "key": "type-metadata",
                    "value": json.dumps(about, separators=(",", ":")),
                    "type": "String",
                    "domain": "SYSTEM",
                    "visibility": "READONLY",
                }
            ],
        }

    def item_path(self, release: Release) -> str:
        """Below its root. The libraries have the same files, but documents of their own: addresses in them differ."""
        appliance = release.appliance
        if self.team:
            return f"{appliance.slug}/{release.version}/item.json"
        return f"items/{appliance.team.slug}/{appliance.slug}/{release.version}/item.json"

    def _file(self, revision: Revision, name: str) -> str:
        path = file_path(revision, name)
        return quote(path.partition("/")[2] if self.team else path)

    def _title(self, release: Release) -> str:
        appliance = release.appliance
        names = (appliance.slug,) if self.team else (appliance.team.slug, appliance.slug)
        return f"{dotted(*names)}.{release.version}"


def documents(shop: Shop) -> Iterator[Document]:
    """Of every team's library and the whole catalog's. `lib.json` comes last: with it the subscribers begin."""
    artifacts = in_library(shop.artifacts())
    teams = {each.pk: each for each in Team.objects.filter(appliances__in=shop.appliances).distinct()}
    for library in (*map(Library, teams.values()), Library()):
        mine = [each for each in artifacts if library.team in (None, team_of(each))]
        for artifact in mine:
            path = f"{library.root}/{library.item_path(artifact.build.revision.release)}"
            yield Document(path, MEDIA_TYPE, written(library.item(artifact)))
        yield Document(f"{library.root}/items.json", MEDIA_TYPE, written(items(library, mine)))
        yield Document(f"{library.root}/lib.json", MEDIA_TYPE, written(library.describe()))


@dataclass(frozen=True)
class Piece:
    """A file that the documents name: these bytes of an artifact's file."""

    path: str
    artifact: Artifact
    start: int
    size: int


def pieces(shop: Shop) -> Iterator[Piece]:
    """For whoever copies the libraries: a stored OVA is cut into these."""
    for artifact in in_library(shop.artifacts()):
        for each in members_of(artifact):
            path = f"{TOP}/{file_path(artifact.build.revision, each.name)}"
            yield Piece(path, artifact, each.start, each.size)


def items(library: Library, artifacts: Iterable[Artifact]) -> dict[str, Any]:
    """items.json"""
    return {"items": [library.item(each) for each in artifacts]}


def team_of(artifact: Artifact) -> Team:
    return artifact.build.revision.release.appliance.team


def file_path(revision: Revision, name: str) -> str:
    """Below the catalog's library: "acme/wiki/1.4.0/r3/wiki.ovf"."""
    release = revision.release
    appliance = release.appliance
    return f"{appliance.team.slug}/{appliance.slug}/{release.version}/r{revision.number}/{name}"


def lasting_id(*row: object) -> str:
    """The same for a row in every answer, and another on every installation."""
    name = ":".join(map(str, ("slipway", settings.INSTALLATION, *row)))
    return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"


def counted(edition: int) -> str:
    """As vCenters count: a string, from 1. What was put up before editions were counted has 0."""
    return str(edition + 1)


def short(name: str, item_id: str) -> str:
    """vCenter takes 80 characters."""
    if len(name) <= NAME_LIMIT:
        return name
    mark = hashlib.sha256(item_id.encode()).hexdigest()[:8]
    return f"{name[: NAME_LIMIT - len(mark) - 1]}-{mark}"


def written(document: dict[str, Any]) -> bytes:
    return json.dumps(document, indent=1).encode()
