"""The catalog: no token is needed, but for what is only a team's. Its files are with the artifacts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from appliances.catalog.listing import Choice, appliances
from appliances.models import Appliance, Channel, Release, Revision
from appliances.states import Visibility

from .artifacts import ANYBODY
from .paging import Cursor, Limit, Page, page
from .shapes import Output

router = Router(tags=["Catalog"])
ONE = "catalog/{slug:team}/{appliance:appliance}"


class Product(Output):
    appliance: str = Field(examples=["acme/wiki"])
    name: str = Field(examples=["Acme Wiki"])
    summary: str
    description: str = Field(description="Markdown.")
    category: str
    licence: str
    website: str
    visibility: Visibility = Field(description="Who finds it: what is `team` comes only with a token.")
    credentials: str = Field(description="Markdown: how to sign in first.")
    newest: str = Field(description="The version that was published last.", examples=["1.4.0"])
    channels: dict[str, str] = Field(description="To which version each points.", examples=[{"stable": "1.4.0"}])
    url: str

    @classmethod
    def of(cls, row: Appliance) -> Product:
        ours = {"appliance", "newest", "channels", "url"}
        return cls(
            appliance=str(row),
            newest=row.newest_version,
            channels={each.name: each.release.version for each in row.channels.all()},
            url=settings.SITE_URL + row.get_absolute_url(),
            **{name: getattr(row, name) for name in cls.model_fields.keys() - ours},
        )


class Version(Output):
    version: str = Field(examples=["1.4.0"])
    revision: int = Field(description="Of which its images are.")
    notes: str = Field(description="Markdown: what is new.")
    channels: list[str] = Field(description="That point to it.")
    published_at: datetime
    artifacts: str = Field(description="The address that lists its images.")

    @classmethod
    def of(cls, revision: Revision) -> Version:
        release: Release = revision.release
        return cls(
            version=release.version,
            revision=revision.number,
            notes=release.notes,
            channels=[each.name for each in release.channels.all()],
            published_at=release.published_at,
            artifacts=f"/api/v1/appliances/{release.appliance}/artifacts?version={release.version}",
        )


@router.get("catalog", auth=ANYBODY, response=Page[Product])
def list_catalog(
    request: HttpRequest,
    response: HttpResponse,
    q: Annotated[str, Query("", max_length=100, description="Every word occurs in it.")] = "",
    category: Annotated[str, Query("", description="Only of this one.")] = "",
    team: Annotated[str, Query("", description="Only this team's.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict:
    """Everything that has a published release: what is public, and with a token what is its owner's."""
    rows = products(Choice(words=q, category=category, team=team)).listed_for(request.auth)
    return page(request, response, rows, Product.of, limit=limit, cursor=cursor)


@router.get(ONE, auth=ANYBODY, response=Product)
def show_product(request: HttpRequest, team: str, appliance: str) -> Product:
    """One of them."""
    rows = products(Choice(team=team)).readable_by(request.auth)
    return Product.of(get_object_or_404(rows, slug=appliance))


@router.get(f"{ONE}/releases", auth=ANYBODY, response=Page[Version])
def list_versions(
    request: HttpRequest, response: HttpResponse, team: str, appliance: str, limit: Limit = 50, cursor: Cursor = ""
) -> dict:
    """Its published versions, those first whose images are the newest."""
    found = get_object_or_404(appliances(Choice(team=team)).readable_by(request.auth), slug=appliance)
    rows = Revision.objects.published().filter(release__appliance=found)
    rows = rows.select_related("release__appliance__team").prefetch_related("release__channels")
    return page(request, response, rows, Version.of, limit=limit, cursor=cursor, newest_first=True)


def products(choice: Choice) -> QuerySet[Appliance]:
    """With what is shown of each, so that a page is a few queries."""
    newest = Release.objects.filter(pk=OuterRef("newest_release")).values("version")
    pointing = Channel.objects.exclude(release=None).select_related("release")
    found = appliances(choice).annotate(newest_version=Subquery(newest))
    return found.prefetch_related(Prefetch("channels", pointing))
