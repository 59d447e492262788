"""Artifacts: finished images, their checksums, and the files themselves."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Query, Router
from pydantic import Field

from appliances.catalog.downloads import ONCE_PUBLIC, PUBLIC, counts, serve
from appliances.catalog.shelf import shown_of
from appliances.models import Appliance, Release, Revision
from appliances.permissions import can_maintain, can_view
from appliances.states import ReleaseState, RevisionState
from builds.models import Artifact

from .access import Bearer, Caller
from .problems import Refusal
from .shapes import Output

router = Router(tags=["Artifacts"])
ANYBODY = Bearer(optional=True)


class ArtifactShape(Output):
    number: int
    format: str = Field(examples=["qcow2"])
    name: str = Field(description="What the downloaded file is called.", examples=["acme-wiki-1.4.0.qcow2"])
    media_type: str
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="In hex; empty for what is no file.")
    reference: str = Field(description="What its place calls it, when it is no file: ami-0123….")
    region: str
    created_at: datetime
    download: str | None = Field(description="Where the file is; null for what is no file.")

    @classmethod
    def of(cls, row: Artifact) -> ArtifactShape:
        names = cls.model_fields.keys() - {"number", "download"}
        return cls(
            number=row.pk,
            download=f"/api/v1/artifacts/{row.pk}/download" if row.file else None,
            **{name: getattr(row, name) for name in names},
        )


class Offer(Output):
    """What can be had of one version."""

    appliance: str = Field(examples=["acme/wiki"])
    version: str
    revision: int
    published: bool = Field(description="False: only its team can have it yet.")
    artifacts: list[ArtifactShape]


@router.get("appliances/{slug:team}/{slug:appliance}/artifacts", auth=ANYBODY, response=Offer)
def list_artifacts(
    request: HttpRequest,
    team: str,
    appliance: str,
    version: Annotated[str, Query("", description="By default what `stable` points to, or else the newest.")] = "",
) -> Offer:
    """What can be downloaded. Needs no token for what is on the catalog; maintainers see finished drafts, too."""
    rows = Appliance.objects.select_related("team")
    found = get_object_or_404(rows, team__slug=team, slug=appliance)
    release = found.releases.filter(version=version).first() if version else shown_of(found)
    revision = offered(request.auth, release) if release else None
    if revision is None:
        raise Http404
    artifacts = Artifact.objects.of_succeeded_builds().filter(build__revision=revision)
    return Offer(
        appliance=str(found),
        version=release.version,
        revision=revision.number,
        published=is_public(revision),
        artifacts=[ArtifactShape.of(each) for each in artifacts],
    )


@router.get("artifacts/{int:number}", auth=ANYBODY, response=ArtifactShape)
def show_artifact(request: HttpRequest, number: int) -> ArtifactShape:
    """One image."""
    return ArtifactShape.of(artifact_of(request.auth, number))


@router.get("artifacts/{int:number}/download", auth=ANYBODY)
def download(request: HttpRequest, number: int) -> HttpResponse:
    """The file, or a redirect to where it is. Ranges and `If-None-Match` work: its `ETag` is its SHA-256."""
    artifact = artifact_of(request.auth, number)
    if not artifact.file:
        raise Refusal("refused", f"{artifact} is no file.", hint=f"It is {artifact.reference} in {artifact.region}.")
    if counts(request):
        Artifact.objects.filter(pk=artifact.pk).update(downloads=F("downloads") + 1)
    response = serve(request, artifact)
    if response.status_code == 416:
        headers = {"Content-Range": response["Content-Range"]}
        return Refusal("range", f"The file has {artifact.size} bytes.", headers=headers).response()
    public = is_public(artifact.build.revision) and response.status_code != 302
    response["Cache-Control"] = PUBLIC if public else "private, no-store"
    return response


def artifact_of(caller: Caller, number: int) -> Artifact:
    """As the catalog does it: what was published is everybody's, all else its maintainers'."""
    rows = Artifact.objects.of_succeeded_builds().select_related("build__revision__release__appliance__team")
    found = get_object_or_404(rows, pk=number)
    revision = found.build.revision
    team = revision.release.appliance.team
    if is_public(revision) or caller.may(can_maintain, team):
        return found
    if caller.may(can_view, team):
        raise PermissionDenied("It is not published: only maintainers can have it.")
    raise Http404


def offered(caller: Caller, release: Release) -> Revision | None:
    """The published revision; for maintainers also one that is finished."""
    published = Revision.objects.published().filter(release=release).first()
    if published or not caller.may(can_maintain, release.appliance.team):
        return published
    return release.revisions.filter(state__in=(RevisionState.READY, RevisionState.PUBLISHED)).first()


def is_public(revision: Revision) -> bool:
    shown = revision.state in ONCE_PUBLIC and revision.published_at is not None
    return shown and revision.release.state != ReleaseState.WITHDRAWN
