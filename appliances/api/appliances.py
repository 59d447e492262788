"""Appliances: what people download."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.forms import model_to_dict
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from ninja.responses import Status
from pydantic import Field

from appliances import editing
from appliances.forms import ApplianceForm
from appliances.models import Appliance, Scope
from appliances.permissions import can_maintain
from appliances.states import RebuildPolicy, Visibility
from builds.engine.names import SLUG

from .access import Bearer
from .paging import Cursor, Limit, Page, page
from .problems import Refusal, of_form
from .shapes import Input, Output

router = Router(tags=["Appliances"])
BUILD = Bearer(Scope.BUILD)
APPLIANCE = "appliances/{slug:team}/{appliance:appliance}"


class ApplianceShape(Output):
    team: str = Field(examples=["acme"])
    slug: str = Field(examples=["wiki"])
    name: str = Field(examples=["Acme Wiki"])
    summary: str
    description: str
    category: str
    licence: str
    website: str
    credentials: str
    visibility: Visibility = Field(description="Who finds it on the catalog.")
    publish_automatically: bool
    upload_checks: str = Field(description="YAML: what boxes made elsewhere must pass to be published.")
    rebuild_policy: RebuildPolicy = Field(description="When a base or a parent changes.")
    created_at: datetime

    @classmethod
    def of(cls, row: Appliance) -> ApplianceShape:
        names = cls.model_fields.keys() - {"team"}
        return cls(team=row.team.slug, **{name: getattr(row, name) for name in names})


class Texts(Input):
    """What of an appliance can be changed."""

    name: str | None = Field(None, max_length=100, examples=["Acme Wiki"])
    summary: str | None = Field(None, max_length=160, description="One line, shown on its card.")
    description: str | None = Field(None, description="Markdown.")
    category: str | None = Field(None, max_length=50, examples=["wiki"])
    licence: str | None = Field(None, max_length=100, description="SPDX identifier.", examples=["MIT"])
    website: str | None = Field(None, max_length=200, examples=["https://wiki.example.org"])
    credentials: str | None = Field(None, description="Markdown: how to sign in first.")
    visibility: Visibility | None = Field(
        None,
        description="Who finds it on the catalog: `public`: everybody; `unlisted`: whoever knows its address; `team`: "
        "members of the team, and whoever has a token of them or of the team.",
    )
    publish_automatically: bool | None = Field(None, description="As soon as every image passed its checks.")
    upload_checks: str | None = Field(
        None, description="YAML, as `checks` of a template: what boxes made elsewhere must pass to be published."
    )


class NewAppliance(Texts):
    team: str = Field(examples=["acme"])
    slug: str = Field(
        max_length=50,
        examples=["wiki"],
        description="The last part of its address; in small letters, and it may have dots: `ubuntu-24.04`. It stays.",
        json_schema_extra={"pattern": f"^{SLUG}$"},
    )
    name: str = Field(max_length=100, examples=["Acme Wiki"])
    summary: str = Field(max_length=160, examples=["A wiki that is there at once."])


@router.get("appliances", response=Page[ApplianceShape])
def list_appliances(
    request: HttpRequest,
    response: HttpResponse,
    team: Annotated[str, Query("", description="Only this team's.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict:
    """The appliances of your teams."""
    rows = Appliance.objects.filter(team__in=request.auth.teams()).select_related("team")
    rows = rows.filter(team__slug=team) if team else rows
    return page(request, response, rows, ApplianceShape.of, limit=limit, cursor=cursor)


@router.post("appliances", auth=BUILD, response={201: ApplianceShape})
def create_appliance(request: HttpRequest, body: NewAppliance) -> Status:
    """It appears on the catalog with its first published release. Maintainers only."""
    team = request.auth.team(body.team, can_maintain)
    if team.appliances.filter(slug=body.slug.lower()).exists():
        raise Refusal("refused", f"{team.slug}/{body.slug} exists already.", hint="Change it, or choose another slug.")
    data = model_to_dict(Appliance(), fields=ApplianceForm.Meta.fields) | body.model_dump(exclude_none=True)
    form = ApplianceForm(data | {"team": team.pk}, teams=[team])
    if not form.is_valid():
        raise of_form(form.errors)
    return Status(201, ApplianceShape.of(editing.save(form, by=request.auth.user)))


@router.get(APPLIANCE, response=ApplianceShape)
def show_appliance(request: HttpRequest, team: str, appliance: str) -> ApplianceShape:
    """One appliance."""
    return ApplianceShape.of(request.auth.appliance(team, appliance))


@router.patch(APPLIANCE, auth=BUILD, response=ApplianceShape)
def edit_appliance(request: HttpRequest, team: str, appliance: str, body: Texts) -> ApplianceShape:
    """Change what the catalog says of it: only what is in the body, at once. Maintainers only."""
    found = request.auth.appliance(team, appliance, can_maintain)
    data = model_to_dict(found, fields=ApplianceForm.Meta.fields) | body.model_dump(exclude_none=True)
    form = ApplianceForm(data, instance=found, teams=[])
    if not form.is_valid():
        raise of_form(form.errors)
    return ApplianceShape.of(editing.save(form, by=request.auth.user))
