"""When an appliance is rebuilt without anybody changing it: its policy, its schedules, and what is due."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from appliances.causes import due, schedules
from appliances.causes.current import current
from appliances.causes.forecast import forecast
from appliances.causes.forms import PolicyForm, ScheduleForm
from appliances.causes.policy import choose
from appliances.models import Appliance, Schedule
from appliances.permissions import can_maintain
from appliances.states import RebuildPolicy

from .access import appliance_for

VERBS = ("stop", "start", "remove")


@login_required
def causes(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    if request.method != "POST":
        return show(request, appliance_for(request, team, appliance))
    found = appliance_for(request, team, appliance, can_maintain)
    form = PolicyForm(request.POST, instance=found)
    if not form.is_valid():
        return show(request, found, policy=form)
    choose(found, RebuildPolicy(form.cleaned_data["rebuild_policy"]), by=request.user)
    messages.success(request, "Saved.")
    return redirect("appliance-rebuilds", team, appliance)


@require_POST
@login_required
def add_schedule(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = appliance_for(request, team, appliance, can_maintain)
    form = ScheduleForm(request.POST, instance=Schedule(appliance=found, created_by=request.user))
    if not form.is_valid():
        return show(request, found, schedule=form)
    schedules.keep(form.save(commit=False), by=request.user, now=timezone.now())
    messages.success(request, "The schedule runs from now on.")
    return redirect("appliance-rebuilds", team, appliance)


@require_POST
@login_required
def change_schedule(request: HttpRequest, team: str, appliance: str, number: int, verb: str) -> HttpResponse:
    found = appliance_for(request, team, appliance, can_maintain)
    if verb not in VERBS:
        raise Http404
    schedule = get_object_or_404(found.schedules, pk=number)
    if verb == "start":
        schedules.keep(schedule, by=request.user, now=timezone.now())
    else:
        getattr(schedules, verb)(schedule, by=request.user)
    messages.success(request, {"start": "It runs again.", "stop": "It is stopped.", "remove": "It is removed."}[verb])
    return redirect("appliance-rebuilds", team, appliance)


def show(
    request: HttpRequest,
    appliance: Appliance,
    *,
    policy: PolicyForm | None = None,
    schedule: ScheduleForm | None = None,
) -> HttpResponse:
    now = timezone.now()
    revisions = list(current(Appliance.objects.filter(pk=appliance.pk)))
    left = due.due(revisions)
    context: dict[str, Any] = {
        "area": "dashboard",
        "appliance": appliance,
        "may_maintain": can_maintain(request.user, appliance.team),
        "policy_form": policy or PolicyForm(instance=appliance),
        "schedule_form": schedule or ScheduleForm(),
        "schedules": [(each, next_times(each)) for each in appliance.schedules.all()],
        "due": [(each, due.standing(each)) for each in left],
        "releases": ",".join(str(revision.release_id) for revision in revisions),
        "forecasts": forecast(revisions, now),
        "now": now,
    }
    status = 422 if policy or schedule else 200
    return render(request, "dashboard/appliance_rebuilds.html", context, status=status)


def next_times(schedule: Schedule) -> list[str]:
    """In the schedule's own zone, whatever the pages' is."""
    return [f"{each:%a %d %b %Y, %H:%M %Z}" for each in schedule.following(timezone.now())] if schedule.on else []
