"""Artifacts: finished images, their checksums, and the files themselves."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from appliances.catalog import links
from appliances.catalog.downloads import counts, keep, serve
from appliances.catalog.instead import instead_of
from appliances.catalog.shelf import is_offered, once_published, shown_of
from appliances.models import Appliance, Release, Revision
from appliances.permissions import can_maintain, can_view
from appliances.states import RevisionState, Visibility
from builds.models import Artifact

from .access import Bearer, Caller
from .problems import Refusal
from .shapes import Input, Output

router = Router(tags=["Artifacts"])
ANYBODY = Bearer(optional=True)
READ = Bearer()


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


class NewLink(Input):
    hours: int = Field(24, ge=1, le=168, description="How long it works.")


class LinkShape(Output):
    url: str = Field(description="Whoever has it can download the file: with curl, vCenter, aws. Keep it as a secret.")
    ends_at: datetime


FOR_A_DAY = NewLink()  # what an empty body means


@router.get("appliances/{slug:team}/{appliance:appliance}/artifacts", auth=ANYBODY, response=Offer)
def list_artifacts(
    request: HttpRequest,
    team: str,
    appliance: str,
    version: Annotated[str, Query("", description="By default what `stable` points to, or else the newest.")] = "",
) -> Offer:
    """What can be downloaded. Needs no token for what is on the catalog; maintainers see finished drafts, too."""
    rows = Appliance.objects.readable_by(request.auth).select_related("team")
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
        published=is_offered(revision),
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
    return keep(response, artifact.build.revision)


@router.post("artifacts/{int:number}/link", auth=READ, response=LinkShape)
def make_link(request: HttpRequest, number: int, body: NewLink = FOR_A_DAY) -> LinkShape:
    """An address of the file that needs no token, until it ends or the version is withdrawn."""
    artifact = artifact_of(request.auth, number)
    if not artifact.file or not is_offered(artifact.build.revision):
        raise Refusal("refused", f"{artifact} cannot be downloaded by others.", hint="Publish it first.")
    until = timezone.now() + timedelta(hours=body.hours)
    return LinkShape(url=settings.SITE_URL + links.make(artifact, until, by=request.auth.user), ends_at=until)


def artifact_of(caller: Caller, number: int) -> Artifact:
    """As the catalog does it: what was published is its readers', all else its maintainers'."""
    rows = Artifact.objects.of_succeeded_builds().select_related("build__revision__release__appliance__team")
    found = get_object_or_404(rows, pk=number)
    revision = found.build.revision
    appliance = revision.release.appliance
    readable = appliance.visibility != Visibility.TEAM or caller.may(can_view, appliance.team)
    if (is_offered(revision) and readable) or caller.may(can_maintain, appliance.team):
        return found
    if once_published(revision) and readable:
        release, instead = revision.release, instead_of(revision.release)
        hint = f"Use {instead.version} instead." if instead else "There is no other version to use yet."
        raise Refusal("withdrawn", f"{release} was withdrawn: {release.withdrawn_reason}", hint=hint)
    if caller.may(can_view, appliance.team):
        raise PermissionDenied("It is not published: only maintainers can have it.")
    raise Http404


def offered(caller: Caller, release: Release) -> Revision | None:
    """The published revision; for maintainers also one that is finished."""
    published = Revision.objects.published().filter(release=release).first()
    if published or not caller.may(can_maintain, release.appliance.team):
        return published
    return release.revisions.filter(state__in=(RevisionState.READY, RevisionState.PUBLISHED)).first()
