"""Builds: how far they are, what they say, and stopping or trying them again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from appliances.dashboard.progress import progress
from appliances.dashboard.queue import Outlook
from appliances.models import Scope
from appliances.permissions import can_maintain
from builds import queue
from builds.models import Build, Step
from builds.states import BuildState, StepState

from .access import Bearer
from .paging import Cursor, Limit, Page, page
from .shapes import Output

router = Router(tags=["Builds"])
BUILD = Bearer(Scope.BUILD)


class BuildShape(Output):
    number: int = Field(examples=[42])
    appliance: str = Field(examples=["acme/wiki"])
    version: str = Field(examples=["1.4.0"])
    revision: int
    platform: str = Field(examples=["qemu"])
    state: BuildState
    final: bool = Field(description="Whether it has ended: its state changes no more.")
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    requested_by: str | None
    error: str = Field(description="What happened, and where.")
    hint: str = Field(description="The next thing to do.")
    kept_until: datetime | None = Field(description="It has failed, but its machine can be debugged until then.")
    url: str = Field(description="Its page in the dashboard.")

    @classmethod
    def of(cls, row: Build) -> BuildShape:
        release = row.revision.release
        copied = ("platform", "state", "queued_at", "started_at", "finished_at", "error", "hint", "kept_until")
        return cls(
            number=row.pk,
            appliance=str(release.appliance),
            version=release.version,
            revision=row.revision.number,
            final=row.is_final,
            requested_by=row.requested_by.username if row.requested_by else None,
            url=f"{settings.SITE_URL}/builds/{row.pk}",
            **{name: getattr(row, name) for name in copied},
        )


class StepShape(Output):
    title: str
    state: StepState
    fraction: float = Field(description="How much of it is done, 0 to 1.")
    started_at: datetime | None
    finished_at: datetime | None
    seconds: float | None = Field(description="How long it took so far; null when it has not run, or was reused.")

    @classmethod
    def of(cls, row: Step, seconds: float | None) -> StepShape:
        copied = ("title", "state", "fraction", "started_at", "finished_at")
        return cls(seconds=seconds, **{name: getattr(row, name) for name in copied})


class BuildDetails(BuildShape):
    layers: bool = Field(description="Whether it may go on from kept states of machines.")
    went_on: str = Field(description="From which it did; empty: from none.", examples=["after 1. shell: install.sh"])
    saved: float | None = Field(description="Seconds that this saved.")
    layer_miss: str = Field(description="Why it did not go on from a later one: which input has changed.")
    percent: float = Field(description="How much is done, weighed with what each step took before.")
    elapsed: float | None = Field(description="Seconds since it started.")
    expected: float | None = Field(description="Seconds that such a build usually takes; null when nobody knows.")
    waits: str = Field(description="Why it does not run yet; empty when it does.")
    steps: list[StepShape]

    @classmethod
    def of(cls, row: Build) -> BuildDetails:
        seen = progress(row)
        entry = Outlook.now().of(row) if row.state == BuildState.QUEUED else None
        return cls(
            **BuildShape.of(row).model_dump(),
            percent=seen.percent,
            elapsed=seen.elapsed,
            expected=seen.expected,
            waits=entry.reason if entry else "",
            layers=row.layers,
            went_on=row.facts.get("layers", "") if row.saved is not None else "",
            saved=row.saved,
            layer_miss=row.facts.get("layer miss", ""),
            steps=[StepShape.of(step, span.seconds) for step, span in zip(seen.steps, seen.run.spans, strict=True)],
        )


@router.get("builds", response=Page[BuildShape])
def list_builds(
    request: HttpRequest,
    response: HttpResponse,
    appliance: Annotated[str, Query("", description="Only this appliance's: `team/slug`.")] = "",
    version: Annotated[str, Query("", description="Only this version's.")] = "",
    state: Annotated[BuildState | None, Query(None, description="Only those in this state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict:
    """The builds of your teams, the newest first."""
    rows = Build.objects.filter(revision__release__appliance__team__in=request.auth.teams())
    if appliance:
        team, _, slug = appliance.partition("/")
        rows = rows.filter(revision__release__appliance__team__slug=team, revision__release__appliance__slug=slug)
    if version:
        rows = rows.filter(revision__release__version=version)
    if state:
        rows = rows.filter(state=state)
    rows = rows.select_related("revision__release__appliance__team", "requested_by")
    return page(request, response, rows, BuildShape.of, limit=limit, cursor=cursor, newest_first=True)


@router.get("builds/{int:number}", response=BuildDetails)
def show_build(request: HttpRequest, number: int) -> BuildDetails:
    """One build with its steps, and how far it is."""
    return BuildDetails.of(request.auth.build(number))


@router.post("builds/{int:number}/cancel", auth=BUILD, response=BuildShape)
def cancel_build(request: HttpRequest, number: int) -> BuildShape:
    """At once when it waits; else its worker cleans up first. Nothing happens when it has ended. Maintainers only."""
    build = request.auth.build(number, can_maintain)
    queue.cancel(build, by=request.auth.user, reason="" if request.auth.user else f"Cancelled by {request.auth.via}.")
    return BuildShape.of(build)


@router.post("builds/{int:number}/retry", auth=BUILD, response=BuildShape)
def retry_build(request: HttpRequest, number: int) -> BuildShape:
    """Try a failed or cancelled build again; answers the new one. Twice is once. Maintainers only."""
    build = request.auth.build(number, can_maintain)
    return BuildShape.of(queue.retry(build, by=request.auth.user))
