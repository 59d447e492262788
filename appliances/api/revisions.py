"""Revisions: the frozen inputs of a release, what was made of them, and in what that differs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Router
from pydantic import Field

from appliances.catalog.families import label, place
from appliances.models import Revision
from appliances.states import Cause, RevisionState
from appliances.values import texts
from builds.models import Artifact, CheckResult
from builds.parity import compare
from builds.states import BuildState

from .artifacts import ArtifactShape
from .paging import Cursor, Limit, Page, page
from .releases import ONE
from .shapes import Output

if TYPE_CHECKING:
    from builds.models import Build
    from builds.parity import Parity

router = Router(tags=["Revisions"])


class BuildLink(Output):
    """The newest build of one platform."""

    number: int
    platform: str = Field(examples=["qemu"])
    state: BuildState

    @classmethod
    def of(cls, build: Build) -> BuildLink:
        return cls(number=build.pk, platform=build.platform, state=build.state)


class RevisionShape(Output):
    release: str = Field(examples=["acme/wiki 1.4.0"])
    number: int = Field(description="Counts the revisions of one release, from 1.")
    state: RevisionState
    digest: str = Field(description="SHA-256 of its inputs: the same inputs make no second one.")
    source_kind: str
    git_commit: str
    platforms: list[str]
    cause: Cause
    because: str
    error: str = Field(description="Why it was never built; empty when it was.")
    created_at: datetime
    created_by: str | None
    published_at: datetime | None
    builds: list[BuildLink]

    @classmethod
    def of(cls, row: Revision) -> RevisionShape:
        copied = (
            *("number", "state", "digest", "source_kind", "git_commit"),
            *("platforms", "cause", "because", "error", "created_at", "published_at"),
        )
        return cls(
            release=str(row.release),
            created_by=row.created_by.username if row.created_by else None,
            builds=[BuildLink.of(each) for each in row.builds.newest_per_platform().order_by("platform")],
            **{name: getattr(row, name) for name in copied},
        )


class Column(Output):
    """Images whose machines showed the same in everything."""

    images: list[str] = Field(examples=[["qcow2", "ova"]])


class Difference(Output):
    kind: str = Field(examples=["package"])
    name: str = Field(examples=["openssl"])
    values: list[str] = Field(description="One per column; empty: it is not there.")


class ParityShape(Output):
    """In what the machines differ that were launched from the images."""

    columns: list[Column]
    differences: list[Difference]
    same: dict[str, int] = Field(description="How many of each kind all share.")

    @classmethod
    def of(cls, parity: Parity) -> ParityShape:
        return cls(
            columns=[Column(images=[each.format for each in column.artifacts]) for column in parity.columns],
            differences=[
                Difference(kind=each.kind, name=each.name, values=list(each.values)) for each in parity.differences
            ],
            same=dict(parity.same),
        )


class RevisionDetails(RevisionShape):
    template: str = Field(description="As it was frozen, with what it extends in it.")
    values: dict[str, str] = Field(description="Of the variables that had not their defaults.")
    extends: list[str] = Field(description="What lay under its template, nearest first.")
    artifacts: list[ArtifactShape]
    parity: ParityShape | None = Field(description="Null when fewer than two images were launched.")


@router.get(f"{ONE}/revisions", response=Page[RevisionShape])
def list_revisions(
    request: HttpRequest,
    response: HttpResponse,
    team: str,
    appliance: str,
    version: str,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict:
    """All revisions of a release, the newest first."""
    release = request.auth.release(team, appliance, version)
    rows = release.revisions.select_related("release__appliance__team", "created_by")
    return page(request, response, rows, RevisionShape.of, limit=limit, cursor=cursor, newest_first=True)


@router.get(f"{ONE}/revisions/{{int:number}}", response=RevisionDetails)
def show_revision(request: HttpRequest, team: str, appliance: str, version: str, number: int) -> RevisionDetails:
    """One revision with its images, and in what they differ."""
    revision = request.auth.release(team, appliance, version).revisions.filter(number=number).first()
    if revision is None:
        raise Http404
    builds = revision.builds.newest_per_platform()
    found = Artifact.objects.of_succeeded_builds().filter(build__in=builds).select_related("build")
    artifacts = sorted(found, key=lambda each: (place(each.format), each.pk))
    for artifact in artifacts:
        artifact.label = label(artifact.format)
    parity = compare(artifacts, CheckResult.objects.filter(build__in={each.build_id for each in artifacts}))
    return RevisionDetails(
        **RevisionShape.of(revision).model_dump(),
        template=revision.template,
        values=texts(revision.values),
        extends=revision.extends,
        artifacts=[ArtifactShape.of(each) for each in artifacts],
        parity=ParityShape.of(parity) if parity else None,
    )
