"""Channels: names that point to a release. They follow the versions, unless somebody promotes a release to one."""

from __future__ import annotations

from typing import Annotated

from django.conf import settings
from django.http import Http404, HttpRequest
from ninja import Query, Router
from pydantic import Field

from appliances import releases
from appliances.models import Channel, Scope
from appliances.permissions import can_maintain

from .access import Bearer
from .appliances import APPLIANCE
from .shapes import Input, Output
from .verbs import Note

router = Router(tags=["Channels"])
PUBLISH = Bearer(Scope.PUBLISH)


class ChannelShape(Output):
    name: str = Field(examples=["stable"])
    version: str | None = Field(description="What it points to now.", examples=["1.4.0"])
    promoted: str | None = Field(description="What was promoted to it; null: it follows the versions.")
    url: str = Field(
        description="Leads to the version’s page; with `Accept: application/json` it says what there is of it. "
        "Below it: `/qcow2` and so on, `/ami`, `/SHA256SUMS`.",
        examples=["https://images.example.org/acme/wiki/stable"],
    )

    @classmethod
    def of(cls, row: Channel) -> ChannelShape:
        return cls(
            name=row.name,
            version=row.release.version if row.release else None,
            promoted=row.pinned.version if row.pinned else None,
            url=f"{settings.SITE_URL}{row.get_absolute_url()}",
        )


class Promotion(Input):
    version: str = Field(max_length=64, examples=["1.4.0"])
    note: Note = ""


@router.get(f"{APPLIANCE}/channels", response=list[ChannelShape])
def list_channels(request: HttpRequest, team: str, appliance: str) -> list[ChannelShape]:
    """All of an appliance."""
    rows = request.auth.appliance(team, appliance).channels.select_related("release", "pinned")
    return [ChannelShape.of(row) for row in rows]


@router.put(f"{APPLIANCE}/channels/{{str:name}}", auth=PUBLISH, response=ChannelShape)
def promote_release(request: HttpRequest, team: str, appliance: str, name: str, body: Promotion) -> ChannelShape:
    """Let it point to a published release, until another is promoted. A new name makes a channel. Maintainers only."""
    release = request.auth.release(team, appliance, body.version, can_maintain)
    return ChannelShape.of(releases.promote(release, name, by=request.auth.user, note=body.note))


@router.delete(f"{APPLIANCE}/channels/{{str:name}}", auth=PUBLISH, response={204: None})
def follow_versions(
    request: HttpRequest,
    team: str,
    appliance: str,
    name: str,
    note: Annotated[str, Query("", max_length=2000, description="Why, for the audit log.")] = "",
) -> None:
    """`stable` and `beta` choose their release by the versions again; any other is gone. Maintainers only."""
    row = request.auth.appliance(team, appliance, can_maintain).channels.filter(name=name).first()
    if row is None:
        raise Http404
    releases.follow_versions(row, by=request.auth.user, note=note)
