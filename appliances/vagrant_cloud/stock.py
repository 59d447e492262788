"""Boxes with their versions and providers, read with the same few queries for one or a hundred."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from appliances.catalog.offers import on_offer
from appliances.channels import automatic
from appliances.gems import Version
from appliances.models import Appliance, Release, Upload
from appliances.states import RevisionState
from builds.models import Artifact

from . import shapes
from .shapes import BOX

Shape = dict[str, Any]


def offered(**conditions: Any) -> QuerySet[Artifact]:
    """The boxes that the catalog offers."""
    return on_offer().filter(format__startswith=BOX, **conditions)


def with_boxes(appliances: QuerySet[Appliance], **conditions: Any) -> QuerySet[Appliance]:
    return appliances.filter(Exists(offered(build__revision__release__appliance=OuterRef("pk"), **conditions)))


def counted(appliances: QuerySet[Appliance]) -> QuerySet[Appliance]:
    """With all downloads of their boxes, as `box_downloads`."""
    of_appliance = "build__revision__release__appliance"
    mine = Artifact.objects.filter(**{of_appliance: OuterRef("pk")}, format__startswith=BOX).order_by()
    total = mine.values(of_appliance).annotate(total=Sum("downloads")).values("total")
    return appliances.select_related("team").annotate(box_downloads=Coalesce(Subquery(total), 0))


def boxes(appliances: QuerySet[Appliance], site: str) -> list[Shape]:
    """Each with its current version alone. They are `counted()`."""
    rows = list(appliances)
    current = current_versions(rows, site)
    return [shapes.box(row, current.get(row.pk), row.box_downloads) for row in rows]


def box(appliance: Appliance, site: str, *, drafts: bool) -> Shape:
    """With all its versions, the highest first; for members (`drafts`) also those that are not published."""
    row = counted(Appliance.objects.filter(pk=appliance.pk)).get()
    releases = appliance.releases.select_related("appliance__team")
    found = releases if drafts else _with_boxes(releases)
    highest_first = sorted(found, key=lambda each: Version(each.version), reverse=True)
    current = current_versions([row], site).get(row.pk)
    return {
        **shapes.box(row, current, row.box_downloads),
        "versions": versions(highest_first, site, drafts=drafts),
    }


def versions(releases: Sequence[Release], site: str, *, drafts: bool) -> list[Shape]:
    """With their providers: what the catalog offers, and for members what was uploaded but is not offered yet."""
    artifacts = _artifacts(releases)
    uploads: dict[int, list[Upload]] = defaultdict(list)
    for upload in Upload.objects.filter(release__in=releases) if drafts else ():
        uploads[upload.release_id].append(upload)
    return [
        shapes.version(each, _providers(each, uploads[each.pk], artifacts[each.pk], site), site) for each in releases
    ]


def current_versions(appliances: Collection[Appliance], site: str) -> dict[int, Shape]:
    """By the appliance's id, the highest version that is offered; a pre-release only where there is nothing else."""
    published = _with_boxes(Release.objects.filter(appliance__in=appliances))
    ids: dict[int, dict[str, int]] = defaultdict(dict)
    for pk, appliance, version in published.values_list("pk", "appliance", "version"):
        ids[appliance][version] = pk
    chosen = [ids[each][_current(ids[each])] for each in ids]
    releases = list(Release.objects.filter(pk__in=chosen).select_related("appliance__team"))
    shown = versions(releases, site, drafts=False)
    return {release.appliance_id: shape for release, shape in zip(releases, shown, strict=True)}


def _current(versions: Iterable[str]) -> str:
    usual = automatic(versions)
    return usual.get("stable") or usual["beta"]


def _with_boxes(releases: QuerySet[Release]) -> QuerySet[Release]:
    return releases.filter(Exists(offered(build__revision__release=OuterRef("pk"))))


def _artifacts(releases: Sequence[Release]) -> dict[int, list[Artifact]]:
    """What is up of each release, or was until it was withdrawn."""
    rows = Artifact.objects.of_succeeded_builds().filter(
        build__revision__release__in=releases,
        build__revision__state=RevisionState.PUBLISHED,
        format__startswith=BOX,
        intermediate=False,
    )
    found: dict[int, list[Artifact]] = defaultdict(list)
    for row in rows.select_related("build__revision").order_by("format", "architecture", "pk"):
        found[row.build.revision.release_id].append(row)
    return found


def _providers(release: Release, uploads: list[Upload], artifacts: list[Artifact], site: str) -> list[Shape]:
    published = {(each.format.removeprefix(BOX), each.architecture): each for each in artifacts}
    uploaded = {each.key: shapes.of_upload(each, published.get(each.key), release, site) for each in uploads}
    built = {key: shapes.of_artifact(each, release, site) for key, each in published.items()}
    return [shape for _, shape in sorted({**built, **uploaded}.items())]
