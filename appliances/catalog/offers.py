"""What every index is made of: the same rows, read in the same way.

An index is a module with `documents(shop)`, which yields all of its documents for a catalog as a shop shows it. Views
serve them one at a time, and `export_mirror` writes them all into a folder.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from appliances.models import Appliance
from appliances.states import ReleaseState, RevisionState
from builds.models import Artifact


@dataclass(frozen=True)
class Shop:
    """What an index is about: some appliances, and where people reach them."""

    site: str
    """The first part of every address in it, without a slash at the end: "https://images.example.org"."""
    appliances: QuerySet[Appliance]

    def artifacts(self) -> QuerySet[Artifact]:
        """What the catalog offers of them, with all that tells what it is of; one query."""
        return on_offer().filter(build__revision__release__appliance__in=self.appliances)


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
