"""The whole catalog as JSON, for programs of whoever likes. Its shape is published: `/schema/catalog.json`.

It comes in pages, oldest appliance first; each names the next. A page's address says after which appliance it begins,
so nobody misses one when others come and go meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from pydantic import BaseModel, ConfigDict, Field

from appliances import editions
from appliances.models import Appliance, Channel
from builds.models import Artifact

from . import feed
from .answers import answer, listed
from .offers import Document, Shop
from .shelf import folder_of

PAGE = 200
MEDIA_TYPE = "application/json"


class Shape(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True, extra="forbid")


class FileShape(Shape):
    """Something to download."""

    format: str
    """qcow2, raw (gzipped), vmdk, ova, or box-PROVIDER, a box for Vagrant."""
    architecture: str
    """In Go's words, as Vagrant has them: amd64, arm64; "unknown" when a box does not tell."""
    name: str
    url: str
    """Here it has these bytes for good; elsewhere as long as its owner likes."""
    media_type: str
    size: int | None
    """Bytes; null for what is kept elsewhere."""
    checksums: dict[str, str]
    """In hex, by sha256, sha512 … Empty when somebody else keeps it and did not tell any."""


class ImageShape(Shape):
    """An image that is in a cloud or a vCenter."""

    format: str
    """ami, vsphere-template."""
    architecture: str
    region: str
    """Of AWS; or the vCenter's datacenter."""
    reference: str
    """What it is called there: ami-0123…."""


class ReleaseShape(Shape):
    version: str
    revision: int
    """Grows with each rebuild of the same version."""
    published_at: datetime
    """When the version first appeared."""
    updated_at: datetime
    """When its images did."""
    notes: str
    """Markdown."""
    page: str
    files: list[FileShape]
    images: list[ImageShape]


class ApplianceShape(Shape):
    name: str
    """The team's and its own part of the address: "acme/wiki"."""
    title: str
    team: str
    """The team's name."""
    summary: str
    description: str
    """Markdown."""
    category: str
    licence: str
    website: str
    page: str
    feed: str
    channels: dict[str, str]
    """What each channel points to: {"stable": "1.4.0"}."""
    releases: list[ReleaseShape]
    """What is published, newest first."""


class CatalogShape(Shape):
    """A page of a Slipway catalog. New names may come; none is taken away while `format` is the same."""

    format: Annotated[str, Field(pattern="^slipway-catalog:1$")] = "slipway-catalog:1"
    appliances: list[ApplianceShape]
    next: str | None
    """The address of the next page; null on the last one."""


@require_safe
def schema(request: HttpRequest) -> JsonResponse:
    headers = {"Cache-Control": "max-age=3600", "Access-Control-Allow-Origin": "*"}
    return JsonResponse(schema_of(), content_type="application/schema+json", headers=headers)


@require_safe
def page(request: HttpRequest, after: int = 0) -> HttpResponse:
    shop = listed(request)
    return answer(request, editions.current(), lambda: written(shop, after)[0])


def documents(shop: Shop) -> Iterator[Document]:
    after: int | None = 0
    while after is not None:
        document, after = written(shop, after)
        yield document


def schema_of() -> dict[str, Any]:
    draft = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return draft | CatalogShape.model_json_schema(mode="serialization")


def written(shop: Shop, after: int) -> tuple[Document, int | None]:
    """The page that begins after that appliance, and after which the next one does."""
    rows = list(shop.appliances.select_related("team").filter(pk__gt=after).order_by("pk")[: PAGE + 1])
    shown = rows[:PAGE]
    following = shown[-1].pk if len(rows) > PAGE else None
    part = Shop(shop.site, Appliance.objects.filter(pk__in=[each.pk for each in shown]))
    releases = releases_of(part)
    channels = channels_of(part)
    catalog = CatalogShape(
        appliances=[about(shop, each, channels.get(each.pk, {}), releases.get(each.pk, [])) for each in shown],
        next=f"{shop.site}/{path_of(following)}" if following else None,
    )
    return Document(path_of(after), MEDIA_TYPE, catalog.model_dump_json().encode()), following


def path_of(after: int) -> str:
    return f"catalog/after-{after}.json" if after else "catalog.json"


def about(shop: Shop, appliance: Appliance, channels: dict[str, str], releases: list[ReleaseShape]) -> ApplianceShape:
    page = f"{shop.site}{appliance.get_absolute_url()}"
    same = ("summary", "description", "category", "licence", "website")
    return ApplianceShape(
        name=f"{appliance.team.slug}/{appliance.slug}",
        title=appliance.name,
        team=appliance.team.name,
        **{name: getattr(appliance, name) for name in same},
        page=page,
        feed=f"{page}/feed.atom",
        channels=channels,
        releases=releases,
    )


def channels_of(shop: Shop) -> dict[int, dict[str, str]]:
    """Names and versions, by the appliance's id."""
    found: dict[int, dict[str, str]] = {}
    rows = Channel.objects.filter(appliance__in=shop.appliances, release__isnull=False).order_by("-name")
    for appliance, name, version in rows.values_list("appliance_id", "name", "release__version"):
        found.setdefault(appliance, {})[name] = version
    return found


def releases_of(shop: Shop) -> dict[int, list[ReleaseShape]]:
    """By the appliance's id."""
    artifacts: dict[int, list[Artifact]] = {}
    for artifact in shop.goods():
        artifacts.setdefault(artifact.build.revision_id, []).append(artifact)
    found: dict[int, list[ReleaseShape]] = {}
    for revision in feed.published(shop).order_by(*feed.NEWEST_FIRST):
        release = revision.release
        folder = f"{shop.site}{folder_of(revision, release)}"
        its = artifacts.get(revision.pk, [])
        shape = ReleaseShape(
            version=release.version,
            revision=revision.number,
            published_at=release.published_at,
            updated_at=max(revision.published_at, release.published_at),
            notes=release.notes,
            page=f"{shop.site}{release.appliance.get_absolute_url()}/{release.version}",
            files=[file(each, folder) for each in its if each.file or each.details.get("url")],
            images=[image(each) for each in its if each.reference],
        )
        found.setdefault(release.appliance_id, []).append(shape)
    return found


def file(artifact: Artifact, folder: str) -> FileShape:
    details = artifact.details
    checksums = {"sha256": artifact.sha256, "sha512": details.get("sha512", "")}
    checksums[details.get("checksum_type", "")] = details.get("checksum", "")
    return FileShape(
        format=artifact.format,
        architecture=artifact.architecture,
        name=artifact.name,
        url=f"{folder}/{artifact.name}" if artifact.file else details["url"],
        media_type=artifact.media_type,
        size=artifact.size if artifact.file else None,
        checksums={kind: text for kind, text in checksums.items() if kind and text},
    )


def image(artifact: Artifact) -> ImageShape:
    names = ("format", "architecture", "region", "reference")
    return ImageShape(**{name: getattr(artifact, name) for name in names})
