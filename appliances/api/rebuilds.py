"""Rebuilding what is published: what that would do, asking for it, the line of those that wait, and the policy."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from appliances.causes import rebuilds
from appliances.causes.current import current
from appliances.causes.due import due
from appliances.causes.forecast import Forecast, forecast
from appliances.causes.policy import choose
from appliances.models import Appliance, Rebuild, Release, Revision, Scope
from appliances.permissions import can_maintain
from appliances.states import Cause, RebuildPolicy, RebuildState

from .access import Bearer, Caller
from .appliances import APPLIANCE, ApplianceShape
from .paging import Cursor, Limit, Page, page
from .problems import Flaw, invalid
from .shapes import Input, Output

router = Router(tags=["Rebuilds"])
BUILD = Bearer(Scope.BUILD)
MOST = 40
"""Releases in one plan; each takes its time to look at."""


class ForecastShape(Output):
    """What a rebuild would do on one platform."""

    release: str = Field(examples=["acme/wiki@1.4.0"])
    platform: str = Field(examples=["qemu"])
    base: str | None = Field(description="What it is built from.", examples=["debian:12"])
    reason: str = Field(description="Why it would be rebuilt; empty when nothing has changed.")
    seconds: float | None = Field(
        description="What such a build usually takes; less where it is known what a layer saves."
    )
    layer: str = Field(
        description="From which layer it would go on, as far as that is known.",
        examples=["after 1. shell: install.sh, saves about 3 min"],
    )
    starts_in: float | None = Field(description="Seconds; null when nobody can know.")
    missing: list[str] = Field(description="What would make it fail.")
    notes: list[str] = Field(description="What would keep it waiting, or may go wrong.")

    @classmethod
    def of(cls, found: Forecast) -> ForecastShape:
        return cls(
            release=name_of(found.revision.release),
            platform=found.platform,
            base=found.base.title if found.base else None,
            reason=found.reason,
            seconds=found.seconds,
            layer=found.layer,
            starts_in=found.start,
            missing=list(found.missing),
            notes=list(found.notes),
        )


class Plan(Output):
    forecasts: list[ForecastShape] = Field(description="In the order in which they would be built.")
    more: int = Field(description="Releases that were not looked at: ask for fewer.")


class RebuildShape(Output):
    number: int
    release: str = Field(examples=["acme/wiki@1.4.0"])
    state: RebuildState
    cause: Cause
    because: str
    layers: bool = Field(description="Whether its builds may go on from kept states.")
    by: str | None
    via: str
    revision: int | None = Field(description="The number of what was started.")
    error: str = Field(description="Why it was refused.")
    asked_at: datetime
    started_at: datetime | None

    @classmethod
    def of(cls, row: Rebuild) -> RebuildShape:
        copied = ("state", "cause", "because", "layers", "via", "error", "asked_at", "started_at")
        return cls(
            number=row.pk,
            release=name_of(row.release),
            by=row.by.username if row.by else None,
            revision=row.revision.number if row.revision else None,
            **{name: getattr(row, name) for name in copied},
        )


class Wanted(Input):
    releases: list[str] = Field(min_length=1, max_length=200, examples=[["acme/wiki@1.4.0"]])
    because: str = Field("", max_length=200, description="Why; by default, which base has changed.")
    layers: bool | None = Field(
        None,
        description="Go on from kept states where they fit; false: run every step again. By default true, and false "
        "when a base or a parent has changed.",
    )


class Policy(Input):
    policy: RebuildPolicy


@router.get("plan", response=Plan)
def plan_rebuilds(
    request: HttpRequest,
    team: Annotated[str, Query("", description="Only this team's.")] = "",
    appliance: Annotated[str, Query("", description="Only this appliance: `team/slug`.")] = "",
    version: Annotated[str, Query("", description="This one, also when no channel points to it.")] = "",
    base: Annotated[str, Query("", description="Only what is built from it: `debian:12`.")] = "",
) -> Plan:
    """What rebuilding would do with what your channels point to: why, how long, what is missing. Nothing is changed."""
    mine = Appliance.objects.filter(team__in=request.auth.teams())
    if team:
        mine = mine.filter(team__slug=team)
    if appliance:
        owner, _, slug = appliance.partition("/")
        mine = mine.filter(team__slug=owner, slug=slug)
    rows = of_version(mine, version) if version else current(mine)
    if base:
        rows = rows.filter(built_from__base__title=base).distinct()
    revisions = list(rows)
    found = forecast(revisions[:MOST], timezone.now())
    return Plan(forecasts=[ForecastShape.of(each) for each in found], more=len(revisions[MOST:]))


@router.get("rebuilds", response=Page[RebuildShape])
def list_rebuilds(
    request: HttpRequest,
    response: HttpResponse,
    team: Annotated[str, Query("", description="Only this team's.")] = "",
    state: Annotated[RebuildState | None, Query(None, description="Only those in this state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict:
    """What waits for its turn, and what came of it, the newest first."""
    rows = Rebuild.objects.filter(release__appliance__team__in=request.auth.teams())
    if team:
        rows = rows.filter(release__appliance__team__slug=team)
    if state:
        rows = rows.filter(state=state)
    rows = rows.select_related("release__appliance__team", "by", "revision")
    return page(request, response, rows, RebuildShape.of, limit=limit, cursor=cursor, newest_first=True)


@router.post("rebuilds", auth=BUILD, response=list[RebuildShape])
def ask_for_rebuilds(request: HttpRequest, body: Wanted) -> list[RebuildShape]:
    """Rebuild many published releases, all or none: so many an hour are started, the rest waits. Maintainers only."""
    now = timezone.now()
    found = [release_of(request.auth, place, name) for place, name in enumerate(body.releases)]
    revisions = Revision.objects.published().filter(release__in=found).select_related("release__appliance__team")
    changed = {each.revision.release_id: each for each in due(revisions)}
    asked = []
    with transaction.atomic():
        for release in dict.fromkeys(found):
            why = {"cause": Cause.REBUILD, "because": body.because}
            if not body.because and release.pk in changed:
                why = {"cause": changed[release.pk].cause, "because": changed[release.pk].because}
            who = {"by": request.auth.user, "via": request.auth.via}
            asked.append(rebuilds.ask(release, **who, now=now, layers=body.layers, **why).pk)
    rebuilds.feed(now)
    rows = Rebuild.objects.filter(pk__in=asked).select_related("release__appliance__team", "by", "revision")
    return [RebuildShape.of(row) for row in rows.order_by("pk")]


@router.post("rebuilds/{int:number}/cancel", auth=BUILD, response=RebuildShape)
def cancel_rebuild(request: HttpRequest, number: int) -> RebuildShape:
    """Take it out of the line. What has started is cancelled as a build. Maintainers only."""
    rows = Rebuild.objects.select_related("release__appliance__team", "by", "revision")
    row = get_object_or_404(rows, pk=number, release__appliance__team__in=request.auth.teams())
    request.auth.team(row.release.appliance.team.slug, can_maintain)
    rebuilds.cancel(row, by=request.auth.user)
    return RebuildShape.of(row)


@router.put(f"{APPLIANCE}/rebuild-policy", auth=BUILD, response=ApplianceShape)
def set_rebuild_policy(request: HttpRequest, team: str, appliance: str, body: Policy) -> ApplianceShape:
    """What happens when a base or a parent of what is published changes. Maintainers only."""
    found = request.auth.appliance(team, appliance, can_maintain)
    choose(found, body.policy, by=request.auth.user)
    return ApplianceShape.of(found)


def of_version(appliances: QuerySet[Appliance], version: str) -> QuerySet[Revision]:
    found = Revision.objects.published().filter(release__version=version, release__appliance__in=appliances)
    return found.select_related("release__appliance__team").order_by("release__appliance__slug")


def name_of(release: Release) -> str:
    return f"{release.appliance}@{release.version}"


def release_of(caller: Caller, place: int, name: str) -> Release:
    """team/app@version"""
    address, _, version = name.partition("@")
    team, _, slug = address.partition("/")
    if not (team and slug and version):
        raise invalid(Flaw(path=f"releases.{place}", message=f"{name!r} is no team/app@version"))
    return caller.release(team, slug, version, can_maintain)
