"""Boxes made elsewhere: declare one for each provider, send its file, release them."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from appliances import uploads
from appliances.models import Release, Scope, Upload
from appliances.models.upload import ARCHITECTURES, UNKNOWN
from appliances.permissions import can_maintain
from appliances.states import ReleaseState

from .access import Bearer
from .problems import Flaw, Refusal, invalid
from .releases import ONE, ReleaseShape
from .shapes import Input, Output

router = Router(tags=["Boxes made elsewhere"])
BUILD, PUBLISH = Bearer(Scope.BUILD), Bearer(Scope.PUBLISH)
LIST = f"{ONE}/boxes"
BOX = LIST + "/{str:provider}/{str:architecture}"
WORDS = f"{', '.join(ARCHITECTURES)}, or {UNKNOWN} for a box that does not tell."


class BoxShape(Output):
    provider: str = Field(examples=["virtualbox"])
    architecture: str = Field(examples=["amd64"])
    default: bool = Field(description="Who asks for no architecture gets this one.")
    arrived: bool = Field(description="Its file is here and was found right, or it is kept at `url`.")
    url: str
    checksum_type: str
    checksum: str
    size: int = Field(description="Bytes.")
    sha256: str = Field(description="In hex; empty for what is not kept here.")
    notes: list[str] = Field(description="What its publisher should know: a private key in it.")
    received_at: datetime | None

    @classmethod
    def of(cls, row: Upload) -> BoxShape:
        names = cls.model_fields.keys() - {"arrived", "notes"}
        notes = row.details.get("notes", [])
        return cls(arrived=row.has_arrived, notes=notes, **{name: getattr(row, name) for name in names})


class NewBox(Input):
    provider: str = Field(max_length=24, description="As Vagrant calls it.", examples=["virtualbox"])
    architecture: str = Field(UNKNOWN, max_length=16, description=WORDS)
    default: bool | None = Field(None, description="The first of a provider is it, unless another is said to be.")
    url: str = Field("", max_length=1000, description="Where it is, when it is not kept here.")
    checksum_type: str = Field("", max_length=8, examples=["sha256"])
    checksum: str = Field("", max_length=128, description="In hex: what the file must have.")


@router.get(LIST, response=list[BoxShape])
def list_boxes(request: HttpRequest, team: str, appliance: str, version: str) -> list[BoxShape]:
    """Those that the release has, and those that are still to come."""
    return [BoxShape.of(row) for row in request.auth.release(team, appliance, version).uploads.all()]


@router.post(LIST, auth=BUILD, response={201: BoxShape})
def declare_box(request: HttpRequest, team: str, appliance: str, version: str, body: NewBox) -> Status:
    """Say that there will be a box for this provider; its file comes next. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    if body.url:
        _may_publish(request, release)
    return Status(201, BoxShape.of(uploads.declare(release, by=request.auth.user, **body.model_dump())))


@router.put(
    f"{BOX}/file",
    auth=BUILD,
    response=BoxShape,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def upload_box(
    request: HttpRequest, team: str, appliance: str, version: str, provider: str, architecture: str
) -> BoxShape:
    """Send the file, as the body itself; it is opened before it is taken. Maintainers only.

    The box of a version that is published already is public with that, so it takes the scope `publish` too.
    """
    release = request.auth.release(team, appliance, version, can_maintain)
    _may_publish(request, release)
    upload = _one(release, provider, architecture)
    length = request.headers.get("Content-Length", "")
    if length and not length.isdecimal():
        raise invalid(Flaw(path="", message="`Content-Length` is no number"))
    size = int(length) if length else None
    return BoxShape.of(uploads.receive(upload, request, size=size, by=request.auth.user))


@router.delete(BOX, auth=BUILD, response={204: None})
def remove_box(request: HttpRequest, team: str, appliance: str, version: str, provider: str, architecture: str) -> None:
    """Take it out, with its file; not when it was published. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    uploads.remove(_one(release, provider, architecture), by=request.auth.user)


@router.post(f"{ONE}/release-boxes", auth=PUBLISH, response=ReleaseShape)
def release_boxes(request: HttpRequest, team: str, appliance: str, version: str) -> ReleaseShape:
    """Publish what has arrived: at once, or when it has passed the appliance's checks. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    return ReleaseShape.of(uploads.release(release, by=request.auth.user))


def _one(release: Release, provider: str, architecture: str) -> Upload:
    row = release.uploads.filter(provider=provider, architecture=architecture).first()
    if row is None:
        raise Http404
    return row


def _may_publish(request: HttpRequest, release: Release) -> None:
    """What is added to a published version is public at once."""
    if release.state == ReleaseState.PUBLISHED and not request.auth.token.allows(Scope.PUBLISH):
        raise Refusal(
            "forbidden",
            f"{release} is published, and the token lacks the scope {Scope.PUBLISH}.",
            hint="Use a token with it, or send the box to a new version.",
        )
