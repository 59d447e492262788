"""What every index is made of: the same rows, read in the same way.

An index is a module with `documents(shop)`, which yields all of its documents for a catalog as a shop shows it. Views
serve them one at a time, and `export_mirror` writes them all into a folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models import QuerySet

from appliances.models import Appliance, Channel, Team
from appliances.states import ReleaseState, RevisionState
from builds.models import Artifact

# Templates and evidence are most of a row, and no index tells of them.
COLUMNS = (
    *("format", "file", "name", "media_type", "size", "sha256", "reference", "region", "architecture", "details"),
    *("build__revision__number", "build__revision__published_at"),
    *("build__revision__release__version", "build__revision__release__published_at"),
    *("build__revision__release__appliance__slug", "build__revision__release__appliance__name"),
    *("build__revision__release__appliance__summary", "build__revision__release__appliance__changed_at"),
    *("build__revision__release__appliance__team__slug", "build__revision__release__appliance__team__name"),
    *("build__revision__release__appliance__created_at", "build__revision__release__appliance__team__changed_at"),
)


@dataclass(frozen=True)
class Shop:
    """What an index is about: some appliances, and where people reach them."""

    site: str
    """The first part of every address in it, without a slash at the end: "https://images.example.org"."""
    appliances: QuerySet[Appliance]

    def artifacts(self) -> QuerySet[Artifact]:
        """What the catalog offers of them, with all that tells what it is of; one query."""
        return on_offer().filter(build__revision__release__appliance__in=self.appliances)

    def goods(self, **which: object) -> Iterator[Artifact]:
        """The same team by team and appliance by appliance, as few columns and rows in memory as an index needs."""
        rows = self.artifacts().filter(**which).only(*COLUMNS)
        return rows.order_by(
            "build__revision__release__appliance__team__slug",
            "build__revision__release__appliance__slug",
            "-build__revision__release__published_at",
            "-build__revision__release",
            "architecture",
            "format",
            "region",
            "pk",
        ).iterator(chunk_size=2000)

    def of(self, team: Team) -> Shop:
        """What of it is this team's."""
        return Shop(self.site, self.appliances.filter(team=team))

    def channels(self) -> dict[int, list[str]]:
        """The names of the channels that point to each release, by its id; one query."""
        found: dict[int, list[str]] = {}
        rows = Channel.objects.filter(appliance__in=self.appliances, release__isnull=False)
        for release, name in rows.order_by("-name").values_list("release_id", "name"):
            found.setdefault(release, []).append(name)
        return found

    def names_of_channels(self) -> dict[int, list[str]]:
        """All that each appliance has, by its id, also those that point nowhere now; one query."""
        found: dict[int, list[str]] = {}
        rows = Channel.objects.filter(appliance__in=self.appliances).order_by("-name")
        for appliance, name in rows.values_list("appliance_id", "name"):
            found.setdefault(appliance, []).append(name)
        return found


@dataclass(frozen=True)
class Document:
    path: str
    """From the top of the site: "streams/v1/index.json"."""
    media_type: str
    body: bytes


def on_offer() -> QuerySet[Artifact]:
    """Of the published revisions of releases that are not withdrawn; newest releases first."""
    return (
        Artifact.objects.of_succeeded_builds()
        .filter(
            build__revision__state=RevisionState.PUBLISHED,
            build__revision__release__state=ReleaseState.PUBLISHED,
            intermediate=False,
        )
        .select_related("build__revision__release__appliance__team")
        .order_by("-build__revision__release__published_at", "-build__revision__release", "format", "architecture")
    )


def dotted(*names: str) -> str:
    """One name of several: "acme.wiki". Their own dots are doubled, so that no others give the same."""
    return ".".join(name.replace(".", "..") for name in names)
