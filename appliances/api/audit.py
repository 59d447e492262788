"""The audit log: what was done, by whom, and what happened by itself."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Annotated

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from appliances.audit_form import moment
from appliances.models import Event

from .access import Caller
from .paging import Cursor, Limit, Page, page
from .shapes import Output

router = Router(tags=["Audit log"])
FIRST, LAST = date(1970, 1, 1), date(9000, 1, 1)  # what every database can compare


class EventShape(Output):
    at: datetime
    what: str = Field(examples=["published"])
    text: str = Field(description="The same in words.")
    team: str | None
    appliance: str | None = Field(examples=["wiki"])
    version: str | None
    revision: int | None
    by: str | None
    via: str = Field(description="What acted for them, or by itself: a token, a push, a schedule.")
    note: str = Field(description="What the person wrote: a reason, an approval.")

    @classmethod
    def of(cls, row: Event) -> EventShape:
        return cls(
            at=row.at,
            what=row.name,
            text=row.text,
            team=row.team.slug if row.team else None,
            appliance=row.appliance.slug if row.appliance else None,
            version=row.release.version if row.release else None,
            revision=row.revision.number if row.revision else None,
            by=row.by.get_username() if row.by else None,
            via=row.via,
            note=row.note,
        )


@router.get("audit", response=Page[EventShape])
def list_events(
    request: HttpRequest,
    response: HttpResponse,
    team: Annotated[str, Query("", description="Only this team's.")] = "",
    appliance: Annotated[str, Query("", description="Only this appliance's: `team/slug`.")] = "",
    who: Annotated[str, Query("", description="Only what this person did.")] = "",
    what: Annotated[str, Query("", description="Only this: `published`.")] = "",
    since: Annotated[date | None, Query(None, ge=FIRST, le=LAST, description="From the start of this day.")] = None,
    until: Annotated[date | None, Query(None, ge=FIRST, le=LAST, description="To the end of this day.")] = None,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> dict:
    """Of your teams, the newest first; for administrators also what belongs to no team."""
    rows = events_of(request.auth)
    if team:
        rows = rows.filter(team__slug=team)
    if appliance:
        owner, _, slug = appliance.partition("/")
        rows = rows.filter(team__slug=owner, appliance__slug=slug)
    if who:
        rows = rows.filter(by__username__iexact=who)
    if what:
        rows = rows.filter(name=what)
    if since:
        rows = rows.filter(at__gte=moment(since, time.min))
    if until:
        rows = rows.filter(at__lte=moment(until, time.max))
    rows = rows.select_related("team", "appliance", "release", "revision", "by")
    return page(request, response, rows, EventShape.of, limit=limit, cursor=cursor, newest_first=True)


def events_of(caller: Caller) -> QuerySet[Event]:
    if caller.user and caller.user.is_superuser:
        return Event.objects.all()
    return Event.objects.filter(team__in=caller.teams())
