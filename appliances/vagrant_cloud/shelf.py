"""Boxes with their versions and providers, from the same few queries for one or a hundred."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from appliances.catalog.offers import on_offer
from appliances.channels import automatic, precedence
from appliances.models import Appliance, Release, Upload
from appliances.states import RevisionState
from builds.models import Artifact

from . import shapes
from .shapes import BOX


def offered(**conditions: Any) -> QuerySet[Artifact]:
    """The boxes that the catalog offers."""
    return on_offer().filter(format__startswith=BOX, **conditions)


def with_boxes(appliances: QuerySet[Appliance], **conditions: Any) -> QuerySet[Appliance]:
    return appliances.filter(Exists(offered(build__revision__release__appliance=OuterRef("pk"), **conditions)))


def counted(appliances: QuerySet[Appliance]) -> QuerySet[Appliance]:
    """With all their boxes' downloads, as `box_downloads`."""
    mine = Artifact.objects.filter(build__revision__release__appliance=OuterRef("pk"), format__startswith=BOX)
    total = mine.order_by().values("build__revision__release__appliance").annotate(total=Sum("downloads"))
    return appliances.select_related("team").annotate(box_downloads=Coalesce(Subquery(total.values("total")), 0))


def boxes(appliances: Sequence[Appliance], site: str) -> list[dict[str, Any]]:
    """Each with its current version alone. They are `counted()`."""
    current = current_versions(appliances)
    shown = {each["version"]["pk"]: each for each in ()}
    return [box for box in _boxes(appliances, current, site)]


def box(appliance: Appliance, site: str, *, drafts: bool) -> dict[str, Any]:
    """With all its versions, the highest first; for members (`drafts`) also those that are not published."""
    row = counted(Appliance.objects.filter(pk=appliance.pk)).get()
    releases = appliance.releases.all()
    if not drafts:
        releases = releases.filter(_offers_boxes())
    found = sorted(releases, key=lambda each: precedence(each.version), reverse=True)
    shown = dict(zip((each.pk for each in found), versions(found, site, drafts=drafts), strict=True))
    current = current_versions([appliance]).get(appliance.pk)
    return {**shapes.box(row, shown.get(current), row.box_downloads), "versions": list(shown.values())}


def versions(releases: Sequence[Release], site: str, *, drafts: bool) -> list[dict[str, Any]]:
    """With their providers: what has been uploaded to them, where the reader may know (`drafts`), and what is up."""
    artifacts: dict[int, dict[tuple[str, str], Artifact]] = defaultdict(dict)
    rows = Artifact.objects.of_succeeded_builds().filter(
        build__revision__release__in=releases,
        build__revision__state=RevisionState.PUBLISHED,
        format__startswith=BOX,
        intermediate=False,
    )
    for row in rows.select_related("build__revision"):
        artifacts[row.build.revision.release_id][row.format.removeprefix(BOX), row.architecture] = row
    uploads: dict[int, list[Upload]] = defaultdict(list)
    for upload in Upload.objects.filter(release__in=releases) if drafts else ():
        uploads[upload.release_id].append(upload)
    return [
        shapes.version(release, _providers(release, uploads[release.pk], artifacts[release.pk], site), site)
        for release in releases
    ]
