"""Schedules: when what an appliance has published is rebuilt by the clock."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.forms import model_to_dict
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Router
from ninja.responses import Status
from pydantic import Field

from appliances.causes import schedules
from appliances.causes.forms import ScheduleForm
from appliances.models import Schedule, Scope
from appliances.permissions import can_maintain
from appliances.states import Outcome

from .access import Bearer, Caller
from .appliances import APPLIANCE
from .problems import of_form
from .shapes import Input, Output

router = Router(tags=["Schedules"])
BUILD = Bearer(Scope.BUILD)
LIST = f"{APPLIANCE}/schedules"
ONE = LIST + "/{int:number}"
ZONE = "By its IANA name."


class ScheduleShape(Output):
    number: int
    cron: str = Field(examples=["0 3 * * MON"])
    zone: str = Field(examples=["Europe/Berlin"])
    in_words: str
    stops_after: int = Field(description="Failures in a row; 0 never stops it.")
    on: bool
    next_at: datetime | None
    last_at: datetime | None
    outcome: Outcome = Field(description="What came of the last run.")
    failures: int = Field(description="In a row.")

    @classmethod
    def of(cls, row: Schedule) -> ScheduleShape:
        return cls(number=row.pk, **{name: getattr(row, name) for name in cls.model_fields.keys() - {"number"}})


class ScheduleEdit(Input):
    cron: str | None = Field(None, max_length=100, examples=["0 3 * * MON"])
    zone: str | None = Field(None, max_length=60, description=ZONE, examples=["Europe/Berlin"])
    stops_after: int | None = Field(None, ge=0, le=32767, description="Failures in a row; 0 never stops it.")


class NewSchedule(ScheduleEdit):
    cron: str = Field(
        max_length=100, description="Minute, hour, day, month and weekday, as for cron.", examples=["0 3 * * MON"]
    )
    zone: str = Field(max_length=60, description=ZONE, examples=["Europe/Berlin"])


@router.get(LIST, response=list[ScheduleShape])
def list_schedules(request: HttpRequest, team: str, appliance: str) -> list[ScheduleShape]:
    """All of an appliance."""
    return [ScheduleShape.of(row) for row in request.auth.appliance(team, appliance).schedules.all()]


@router.post(LIST, auth=BUILD, response={201: ScheduleShape})
def add_schedule(request: HttpRequest, team: str, appliance: str, body: NewSchedule) -> Status:
    """Of each channel the release that it points to is rebuilt at these times. Maintainers only."""
    found = request.auth.appliance(team, appliance, can_maintain)
    return Status(201, _keep(request.auth, Schedule(appliance=found, created_by=request.auth.user), body))


@router.patch(ONE, auth=BUILD, response=ScheduleShape)
def edit_schedule(request: HttpRequest, team: str, appliance: str, number: int, body: ScheduleEdit) -> ScheduleShape:
    """Change what is in the body; it starts afresh, also when it was stopped. Maintainers only."""
    return _keep(request.auth, schedule_of(request.auth, team, appliance, number), body)


@router.post(f"{ONE}/stop", auth=BUILD, response=ScheduleShape)
def stop_schedule(request: HttpRequest, team: str, appliance: str, number: int) -> ScheduleShape:
    """It runs no more, and is kept. Maintainers only."""
    row = schedule_of(request.auth, team, appliance, number)
    schedules.stop(row, by=request.auth.user)
    row.refresh_from_db()
    return ScheduleShape.of(row)


@router.post(f"{ONE}/start", auth=BUILD, response=ScheduleShape)
def start_schedule(request: HttpRequest, team: str, appliance: str, number: int) -> ScheduleShape:
    """It runs again; its failures are forgotten. Maintainers only."""
    row = schedule_of(request.auth, team, appliance, number)
    schedules.keep(row, by=request.auth.user, now=timezone.now())
    return ScheduleShape.of(row)


@router.delete(ONE, auth=BUILD, response={204: None})
def remove_schedule(request: HttpRequest, team: str, appliance: str, number: int) -> None:
    """What it has started goes on. Maintainers only."""
    schedules.remove(schedule_of(request.auth, team, appliance, number), by=request.auth.user)


def schedule_of(caller: Caller, team: str, appliance: str, number: int) -> Schedule:
    row = caller.appliance(team, appliance, can_maintain).schedules.filter(pk=number).first()
    if row is None:
        raise Http404
    return row


def _keep(caller: Caller, row: Schedule, body: ScheduleEdit) -> ScheduleShape:
    data: dict[str, Any] = model_to_dict(row, fields=ScheduleForm.Meta.fields) | body.model_dump(exclude_none=True)
    form = ScheduleForm(data, instance=row)
    if not form.is_valid():
        raise of_form(form.errors)
    schedules.keep(form.save(commit=False), by=caller.user, now=timezone.now())
    return ScheduleShape.of(form.instance)
