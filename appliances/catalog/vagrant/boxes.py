"""Which boxes an appliance offers, and under which version Vagrant finds each of them.

A box keeps its version for ever, and a version its bytes: `Boxes` of a release may become more, but are never renamed.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from django.db.models import QuerySet

from appliances.gems import is_prerelease
from appliances.models import Appliance, Release, Revision
from appliances.states import RevisionState
from builds.models import Artifact

from ..families import BOX
from .versions import rebuilt

ONCE_PUBLISHED = (RevisionState.PUBLISHED, RevisionState.SUPERSEDED)


class Box(NamedTuple):
    """One artifact, as far as the catalog's document tells of it."""

    appliance: int
    release: int
    version: str
    number: int
    """Of its revision."""
    published_at: datetime
    """When that was first published."""
    format: str
    architecture: str
    name: str
    file: str
    sha256: str
    details: dict[str, Any]

    @property
    def provider(self) -> str:
        return self.format.removeprefix(BOX)

    @property
    def kind(self) -> tuple[str, str]:
        """A version has one of each kind."""
        return self.format, self.architecture

    @property
    def content(self) -> tuple[str, str, str]:
        """Two boxes that agree in it are the same bytes."""
        return self.sha256, self.details.get("url", ""), self.details.get("checksum", "")


class Versions(dict[str, list[Box]]):
    """By version, the newest release first and of a release the newest revision first."""

    def without_prereleases(self) -> Versions:
        """Unless there is nothing else."""
        final = {name: boxes for name, boxes in self.items() if not is_prerelease(name)}
        return Versions(final) if final else self


@dataclass
class Revisions:
    """Those of one release that were ever published, by number, and the one that is published now."""

    published: dict[int, datetime] = field(default_factory=dict)
    current: int = 0

    @property
    def offered(self) -> list[int]:
        """The first, and what came after it up to the current one: to roll back hides what is newer.

        By number and not by date: also a revision that was published on second thoughts must not lie under a former.
        """
        first = min(self.published, key=lambda number: (self.published[number], number))
        later = sorted(number for number in self.published if number != first and number <= self.current)
        return [first, *later] if self.current != first else [first]


def of_all(appliances: QuerySet[Appliance]) -> Iterator[tuple[int, Versions]]:
    """(primary key, versions) of each appliance that has a box; the same three queries for one or ten thousand."""
    releases = Release.objects.published().filter(appliance__in=appliances)
    revisions = _revisions(releases)
    names: dict[int, set[str]] = {}
    visible = Release.objects.visible().filter(appliance__in=appliances)
    for appliance, version in visible.values_list("appliance", "version"):
        names.setdefault(appliance, set()).add(version)
    for appliance, rows in groupby(_rows(releases), key=attrgetter("appliance")):
        versions = Versions()
        for release, boxes in groupby(rows, key=attrgetter("release")):
            if release not in revisions:
                continue  # it was published since the query before
            for name, found in reversed(named(boxes, revisions[release], names.get(appliance, ())).items()):
                versions.setdefault(name, found)
        if versions:
            yield appliance, versions


def of(appliance: Appliance) -> Versions:
    return dict(of_all(Appliance.objects.filter(pk=appliance.pk))).get(appliance.pk, Versions())


def current(release: Release) -> dict[str, str]:
    """The version under which each provider's newest box of a published release is found."""
    only = Release.objects.published().filter(pk=release.pk)
    revisions = _revisions(only).get(release.pk)
    if revisions is None:
        return {}
    names = set(release.appliance.releases.visible().values_list("version", flat=True))
    versions = named(_rows(only), revisions, names)
    return {box.provider: name for name, found in versions.items() for box in found}


def named(boxes: Iterable[Box], revisions: Revisions, taken: Container[str]) -> dict[str, list[Box]]:
    """What a release offers, by version, the oldest first. `taken` are the versions of all releases.

    The first box of each kind has the release's own version, also when its revision is not the first: a provider that
    was added later. A box that is the same as the one before it is no news, and is left out.
    """
    found = {(box.number, box.kind): box for box in boxes}
    firsts: dict[tuple[str, str], int] = {}
    for box in sorted(found.values(), key=attrgetter("published_at", "number")):
        firsts.setdefault(box.kind, box.number)
    versions: dict[str, list[Box]] = {}
    last: dict[tuple[str, str], Box] = {}
    for number in revisions.offered:
        for kind, first in firsts.items():
            box = found.get((number, kind))
            if box is None or (kind in last and last[kind].content == box.content):
                continue
            last[kind] = box
            name = box.version if first == number else rebuilt(box.version, number)
            if first == number or name not in taken:
                versions.setdefault(name, []).append(box)
    return versions


def _revisions(releases: QuerySet[Release]) -> dict[int, Revisions]:
    """By release."""
    found: dict[int, Revisions] = {}
    rows = Revision.objects.filter(release__in=releases, state__in=ONCE_PUBLISHED, published_at__isnull=False)
    for release, number, published_at, state in rows.values_list("release", "number", "published_at", "state"):
        revisions = found.setdefault(release, Revisions())
        revisions.published[number] = published_at
        if state == RevisionState.PUBLISHED:
            revisions.current = number
    return found


def _rows(releases: QuerySet[Release]) -> Iterator[Box]:
    """In the order of appliances, then releases, the newest first. Only what is needed: evidence is long."""
    rows = (
        Artifact.objects.of_succeeded_builds()
        .filter(
            format__startswith=BOX,
            intermediate=False,
            build__revision__release__in=releases,
            build__revision__state__in=ONCE_PUBLISHED,
            build__revision__published_at__isnull=False,
        )
        .order_by(
            "build__revision__release__appliance",
            "-build__revision__release__published_at",
            "build__revision__release",
            "-pk",
        )
        .values_list(
            "build__revision__release__appliance",
            "build__revision__release",
            "build__revision__release__version",
            "build__revision__number",
            "build__revision__published_at",
            "format",
            "architecture",
            "name",
            "file",
            "sha256",
            "details",
        )
    )
    for row in rows.iterator():
        box = Box._make(row)
        if box.file or box.details.get("url"):
            yield box
