"""Bases: what published releases were built from, and whether that has changed since."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Router
from pydantic import Field

from appliances.causes import bases as watching
from appliances.causes.current import current
from appliances.causes.due import Due, standing
from appliances.models import Appliance, Base, BuiltFrom, Scope
from appliances.permissions import can_maintain

from .access import Bearer, Caller
from .paging import Cursor, Limit, Page, page
from .rebuilds import name_of
from .shapes import Output

router = Router(tags=["Bases"])
BUILD = Bearer(Scope.BUILD)


class Dependent(Output):
    release: str = Field(examples=["acme/wiki@1.4.0"])
    platform: str = Field(examples=["qemu"])
    outdated: bool = Field(description="Whether the base has become another one since.")
    standing: str = Field(description="What becomes of it when it is outdated.")

    @classmethod
    def of(cls, row: BuiltFrom) -> Dependent:
        outdated = row.is_outdated
        return cls(
            release=name_of(row.revision.release),
            platform=row.platform,
            outdated=outdated,
            standing=standing(Due(row.revision, row.base)) if outdated else "",
        )


class BaseShape(Output):
    number: int
    kind: str = Field(examples=["debian"])
    title: str = Field(examples=["debian:12"])
    watched: bool = Field(description="Whether anybody can tell when it changes.")
    changed_at: datetime | None
    checked_at: datetime | None
    error: str = Field(description="Why it could not be looked at.")
    hint: str
    dependents: list[Dependent] = Field(description="Of your teams, what a channel points to.")

    @classmethod
    def of(cls, row: Base, dependents: QuerySet[BuiltFrom]) -> BaseShape:
        copied = ("kind", "title", "changed_at", "checked_at", "error", "hint")
        return cls(
            number=row.pk,
            watched=row.is_watched,
            dependents=[Dependent.of(each) for each in dependents.filter(base=row)],
            **{name: getattr(row, name) for name in copied},
        )


@router.get("bases", response=Page[BaseShape])
def list_bases(request: HttpRequest, response: HttpResponse, limit: Limit = 50, cursor: Cursor = "") -> dict:
    """What the releases are built from that your channels point to."""
    dependents = dependents_of(request.auth)

    def shape(row: Base) -> BaseShape:
        return BaseShape.of(row, dependents)

    return page(request, response, bases_of(dependents), shape, limit=limit, cursor=cursor)


@router.post("bases/{int:number}/look", auth=BUILD, response=BaseShape)
def look_at_base(request: HttpRequest, number: int) -> BaseShape:
    """Have it looked at now, not in some hours. For maintainers of something that is built from it."""
    dependents = dependents_of(request.auth)
    row = get_object_or_404(bases_of(dependents), pk=number)
    teams = {each.revision.release.appliance.team for each in dependents.filter(base=row)}
    if not any(request.auth.may(can_maintain, team) for team in teams):
        raise PermissionDenied
    now = timezone.now()
    Base.objects.filter(pk=row.pk).update(check_at=now)
    watching.call(now)
    return BaseShape.of(row, dependents)


def dependents_of(caller: Caller) -> QuerySet[BuiltFrom]:
    kept = current(Appliance.objects.filter(team__in=caller.teams()))
    return BuiltFrom.objects.published().filter(revision__in=kept.values("pk"))


def bases_of(dependents: QuerySet[BuiltFrom]) -> QuerySet[Base]:
    return Base.objects.filter(Exists(dependents.filter(base=OuterRef("pk"))))
