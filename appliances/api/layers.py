"""Layers: the states of machines that builds have kept, what they save, and dropping them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from appliances import layers
from appliances.models import Scope
from appliances.permissions import can_maintain
from builds.models import Layer

from .access import Bearer, Caller
from .appliances import APPLIANCE
from .paging import Cursor, Limit, Page, page
from .shapes import Output

router = Router(tags=["Layers"])
BUILD = Bearer(Scope.BUILD)
SHARED = "shared"


class LayerShape(Output):
    number: int
    title: str = Field(description="After what.", examples=["after 1. shell: install.sh"])
    appliance: str | None = Field(description="Whose build has kept it; null when others may go on from it too.")
    platform: str = Field(examples=["qemu"])
    place: str = Field(description="The worker's host, an account and region, or `shared`.", examples=["shipyard-1"])
    reference: str = Field(description="What its place calls it, where that is a cloud.")
    build: int | None = Field(description="The build that has kept it.")
    size: int = Field(description="Bytes.")
    seconds: float = Field(description="What a hit saves.")
    hits: int
    private: bool = Field(description="A secret may be in it: it never leaves its place.")
    fetched: bool = Field(description="Something from outside is in it: it grows old sooner.")
    dropped: bool = Field(description="No build goes on from it, and it will be gone soon.")
    created_at: datetime
    used_at: datetime

    @classmethod
    def of(cls, row: Layer, *, known: bool) -> LayerShape:
        copied = ("title", "platform", "reference", "size", "seconds", "hits", "private", "fetched", "dropped")
        return cls(
            number=row.pk,
            appliance=str(row.appliance) if row.appliance and known else None,
            place=row.place or SHARED,
            build=row.build_id if known else None,
            created_at=row.created_at,
            used_at=row.used_at,
            **{name: getattr(row, name) for name in copied},
        )


@router.get("layers", response=Page[LayerShape])
def list_layers(
    request: HttpRequest,
    response: HttpResponse,
    appliance: Annotated[str, Query("", description="Only this appliance's: `team/slug`.")] = "",
    platform: Annotated[str, Query("", description="Only this platform's.")] = "",
    place: Annotated[str, Query("", description="Only there: a host, or `shared`.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict:
    """What builds of your teams have kept, and the boots that are for all, the newest first."""
    rows = seen_by(request.auth)
    if appliance:
        team, _, slug = appliance.partition("/")
        mine = request.auth.teams().filter(slug=team)  # whose boots others' are is not for everybody
        rows = rows.filter(appliance__team__in=mine, appliance__slug=slug)
    if platform:
        rows = rows.filter(platform=platform)
    if place:
        rows = rows.filter(place="" if place == SHARED else place)
    teams = set(request.auth.teams().values_list("pk", flat=True))

    def shape(row: Layer) -> LayerShape:
        return LayerShape.of(row, known=row.appliance is not None and row.appliance.team_id in teams)

    rows = rows.select_related("appliance__team").defer("parts")
    return page(request, response, rows, shape, limit=limit, cursor=cursor, newest_first=True)


@router.delete("layers/{int:number}", auth=BUILD, response={204: None})
def drop_layer(request: HttpRequest, number: int) -> None:
    """No build goes on from it any more; its files go within a minute. Twice is once. Maintainers only."""
    row = seen_by(request.auth).select_related("appliance__team").filter(pk=number).first()
    if row is None or row.appliance is None:
        raise Http404
    request.auth.team(row.appliance.team.slug, can_maintain)
    layers.drop(row, by=request.auth.user)


@router.delete(f"{APPLIANCE}/layers", auth=BUILD, response={204: None})
def drop_layers(request: HttpRequest, team: str, appliance: str) -> None:
    """The same with all that builds of this appliance have kept. Maintainers only."""
    layers.drop_all(request.auth.appliance(team, appliance, can_maintain), by=request.auth.user)


def seen_by(caller: Caller) -> QuerySet[Layer]:
    return Layer.objects.of(caller.teams())
