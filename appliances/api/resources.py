"""Resources: what exists in clouds and vCenters because of us, and whose it is."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from appliances.models import Account
from builds.models import Resource

from .paging import Cursor, Limit, Page, page
from .shapes import Output

router = Router(tags=["Resources"])


class ResourceShape(Output):
    account: str = Field(examples=["acme/production"])
    place: str = Field(description="AWS region, or vCenter's datacenter.", examples=["eu-west-1"])
    kind: str = Field(examples=["snapshot"])
    name: str
    reference: str = Field(description="Empty: not known, perhaps never created.")
    owner: Literal["build", "layer", "artifact", "left over"] = Field(description="What is left over is removed soon.")
    build: int | None
    layer: str = Field(description="What the layer holds that owns it.", examples=["after 2. shell: install.sh"])
    error: str = Field(description="Why it could not be removed.")
    created_at: datetime

    @classmethod
    def of(cls, row: Resource, *, left_over: bool) -> ResourceShape:
        at_work = row.build is not None and row.build.is_active
        kept = "layer" if row.layer else "build" if at_work else "artifact"
        return cls(
            account=f"{row.account.team.slug}/{row.account.name}",
            owner="left over" if left_over else kept,
            build=row.build_id,
            layer=row.layer.title if row.layer else "",
            **{name: getattr(row, name) for name in ("place", "kind", "name", "reference", "error", "created_at")},
        )


@router.get("resources", response=Page[ResourceShape])
def list_resources(
    request: HttpRequest,
    response: HttpResponse,
    team: Annotated[str, Query("", description="Only in this team's accounts.")] = "",
    account: Annotated[str, Query("", description="Only in this account: `team/name`.")] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict:
    """Everything that stands in your teams' accounts."""
    accounts = Account.objects.filter(team__in=request.auth.teams())
    if team:
        accounts = accounts.filter(team__slug=team)
    if account:
        owner, _, name = account.partition("/")
        accounts = accounts.filter(team__slug=owner, name=name)
    rows = Resource.objects.standing().filter(account__in=accounts)
    left_over = set(rows.left_over().values_list("pk", flat=True))

    def shape(row: Resource) -> ResourceShape:
        return ResourceShape.of(row, left_over=row.pk in left_over)

    rows = rows.select_related("account__team", "build", "layer")
    return page(request, response, rows, shape, limit=limit, cursor=cursor)
