"""Releases: what people write. What is done with them is in `verbs`."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Annotated

from django.conf import settings
from django.core.files import File
from django.db import transaction
from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.utils.http import parse_etags
from ninja import Header, Router
from ninja.responses import Status
from pydantic import Field

from appliances import audit, editing, uploads
from appliances.archives import store_archive
from appliances.forms import ReleaseForm
from appliances.inputs import Inputs
from appliances.models import Release, Scope, SourceKind, User, version_validator
from appliances.permissions import can_maintain
from appliances.states import ReleaseState
from appliances.values import texts
from builds.engine.errors import SourceError

from .access import Bearer
from .appliances import APPLIANCE
from .paging import Cursor, Limit, Page, page
from .problems import Flaw, Refusal, invalid, of_form
from .shapes import Input, Output

router = Router(tags=["Releases"])
BUILD = Bearer(Scope.BUILD)
LIST = f"{APPLIANCE}/releases"
ONE = LIST + "/{str:version}"
VERSION = version_validator.regex.pattern.replace(r"\Z", "$")  # as JSON Schema writes it
IfMatch = Annotated[
    str | None,
    Header(None, alias="If-Match", description="The `ETag` of what you read: 412 when it has changed since."),
]


class ReleaseShape(Output):
    appliance: str = Field(examples=["acme/wiki"])
    version: str = Field(examples=["1.4.0"])
    state: ReleaseState
    notes: str
    template: str
    values: dict[str, str] = Field(description="The release's own values of the template's variables.")
    source_kind: SourceKind
    archive: str = Field(description="SHA-256 of the uploaded archive, in hex; empty when there is none.")
    git_url: str
    git_ref: str
    withdrawn_reason: str
    instead: str | None = Field(description="The version that its team names in its place; null: the catalog chooses.")
    created_at: datetime
    published_at: datetime | None
    url: str = Field(description="Its page in the dashboard.")

    @classmethod
    def of(cls, row: Release) -> ReleaseShape:
        names = cls.model_fields.keys() - {"appliance", "archive", "instead", "url", "values"}
        return cls(
            appliance=str(row.appliance),
            instead=row.instead.version if row.instead else None,
            values=texts(row.values),
            archive=row.archive.rpartition("/")[2],
            url=f"{settings.SITE_URL}/dashboard/appliances/{row.appliance}/releases/{row.version}",
            **{name: getattr(row, name) for name in names},
        )


class Edit(Input):
    """What of a release can be changed. What is built or published of it stays as it is."""

    notes: str | None = Field(None, description="Markdown: what is new.")
    template: str | None = Field(None, description="The text of `appliance.yaml`.")
    values: dict[str, str] | None = Field(
        None,
        description="Values of the template's variables: all that the release has, in the place of the former.",
        examples=[{"title": "Our wiki"}],
    )
    source_kind: SourceKind | None = Field(None, description="Where the files are that the template names.")
    git_url: str | None = Field(None, max_length=300, examples=["https://git.example.org/acme/wiki.git"])
    git_ref: str | None = Field(None, max_length=200, description="Commit, tag or branch.", examples=["v1.4.0"])


class NewRelease(Edit):
    version: str = Field(max_length=64, examples=["1.4.0"], json_schema_extra={"pattern": VERSION})
    template: str | None = Field(None, description="Without one it begins with that of the release before it.")
    boxes: bool = Field(False, description="It takes Vagrant boxes that were made elsewhere, and builds nothing.")


@router.get(LIST, response=Page[ReleaseShape])
def list_releases(
    request: HttpRequest, response: HttpResponse, team: str, appliance: str, limit: Limit = 50, cursor: Cursor = ""
) -> dict:
    """All releases of an appliance, the newest first."""
    rows = request.auth.appliance(team, appliance).releases.select_related("appliance__team", "instead")
    return page(request, response, rows, ReleaseShape.of, limit=limit, cursor=cursor, newest_first=True)


@router.post(LIST, auth=BUILD, response={201: ReleaseShape})
def create_release(request: HttpRequest, response: HttpResponse, team: str, appliance: str, body: NewRelease) -> Status:
    """Write a new release; nothing is built yet. What is left out is as in the release before. Maintainers only."""
    found = request.auth.appliance(team, appliance, can_maintain)
    if found.releases.filter(version=body.version).exists():
        raise Refusal("refused", f"{found} {body.version} exists already.", hint="Edit it, or choose the next number.")
    former = found.releases.order_by("-created_at", "-pk").first()
    release = Release(appliance=found)
    if body.boxes:
        body = body.model_copy(update={"template": uploads.template_of(found)})
    elif former:
        for name, value in Inputs.written(former).items():
            setattr(release, name, value)
    return Status(201, _save(release, body, response, request.auth.user))


@router.get(ONE, response=ReleaseShape)
def show_release(request: HttpRequest, response: HttpResponse, team: str, appliance: str, version: str) -> ReleaseShape:
    """One release, with an `ETag` for editing it."""
    release = request.auth.release(team, appliance, version)
    response["ETag"] = etag(release)
    return ReleaseShape.of(release)


@router.patch(ONE, auth=BUILD, response=ReleaseShape)
def edit_release(
    request: HttpRequest,
    response: HttpResponse,
    team: str,
    appliance: str,
    version: str,
    body: Edit,
    if_match: IfMatch = None,
) -> ReleaseShape:
    """Change only what is in the body; nothing is built yet. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    with transaction.atomic():
        release = _locked(release, if_match)
        return _save(release, body, response, request.auth.user)


@router.put(
    f"{ONE}/archive",
    auth=BUILD,
    response=ReleaseShape,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
def upload_archive(
    request: HttpRequest,
    response: HttpResponse,
    team: str,
    appliance: str,
    version: str,
    if_match: IfMatch = None,
) -> ReleaseShape:
    """Upload the files that the template names: a .tar, .tar.gz or .zip, as the body itself. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    if request.headers.get("Content-Length", "0") == "0":
        raise invalid(Flaw(path="", message="the body is empty, or its length is not said"))
    try:
        key = store_archive(File(request))
    except SourceError as error:
        raise Refusal("too-large", error.message, hint=error.hint) from None
    with transaction.atomic():
        release = _locked(release, if_match)
        release.archive, release.source_kind = key, SourceKind.ARCHIVE
        release.save()
        audit.record(release, "release-edited", "changed archive", by=request.auth.user)
    response["ETag"] = etag(release)
    return ReleaseShape.of(release)


def etag(release: Release) -> str:
    """The same as long as nobody has edited it."""
    written = Inputs.written(release) | {"notes": release.notes}
    return f'"{hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:32]}"'


def _locked(release: Release, if_match: str | None) -> Release:
    """Nobody else edits it until the transaction ends. Refused when somebody has since it was read."""
    locked = Release.objects.select_for_update().select_related("appliance__team").get(pk=release.pk)
    if if_match is not None and parse_etags(if_match) != ["*"] and etag(locked) not in parse_etags(if_match):
        raise Refusal("stale", f"{release} was edited meanwhile.", hint="Read it again, and make your change to that.")
    return locked


def _save(release: Release, body: Edit, response: HttpResponse, by: User | None) -> ReleaseShape:
    data = model_to_dict(release, fields=ReleaseForm.Meta.fields) | body.model_dump(
        exclude_none=True, exclude={"boxes"}
    )
    if body.values is not None:
        release.values = body.values
    form = ReleaseForm(data, instance=release)
    if not form.is_valid():
        raise of_form(form.errors)
    saved = editing.save(form, by=by)
    response["ETag"] = etag(saved)
    return ReleaseShape.of(saved)
