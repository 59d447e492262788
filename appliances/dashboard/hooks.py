"""A team's hooks: whom it calls, and the log of what they answered. Owners only."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from appliances.models import Hook, HookDelivery, HookFormat, Team
from appliances.notice_forms import HookForm
from appliances.notices import hooks
from appliances.permissions import can_own
from builds.engine.errors import SlipwayError

from .access import team_for

DELIVERIES_SHOWN = 30


@login_required
def new(request: HttpRequest, team: str) -> HttpResponse:
    return edit(request, Hook(team=team_for(request, team, can_own)))


@login_required
def hook(request: HttpRequest, team: str, number: int) -> HttpResponse:
    return edit(request, hook_for(request, team, number))


def edit(request: HttpRequest, row: Hook, secret: str = "") -> HttpResponse:
    """`secret` is a new one, shown this once."""
    posted = request.POST if request.method == "POST" and not secret else None
    form = HookForm(posted, row=row)
    if posted is not None and form.is_valid():
        try:
            form.keep(by=request.user)
        except SlipwayError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Saved. Send it a test, and see below what it answers.")
            if form.made_secret and row.format == HookFormat.SLIPWAY:
                return edit(request, row, row.secret)
            return redirect("hook", row.team.slug, row.pk)
    deliveries = row.deliveries.all()[:DELIVERIES_SHOWN] if row.pk else []
    context = {
        "area": "dashboard",
        "team": row.team,
        "hook": row,
        "form": form,
        "secret": secret,
        "signs": row.format == HookFormat.SLIPWAY,
        "deliveries": deliveries,
        "under_way": bool(row.pk) and row.deliveries.under_way().exists(),
    }
    response = render(request, "dashboard/hook.html", context, status=422 if form.errors else 200)
    if secret:
        response["Cache-Control"] = "no-store"
    return response


@require_POST
@login_required
def renew_secret(request: HttpRequest, team: str, number: int) -> HttpResponse:
    row = hook_for(request, team, number)
    try:
        return edit(request, row, hooks.renew_secret(row, by=request.user))
    except SlipwayError as error:
        messages.error(request, str(error))
        return redirect("hook", team, number)


@require_POST
@login_required
def test(request: HttpRequest, team: str, number: int) -> HttpResponse:
    hooks.test(hook_for(request, team, number))
    messages.info(request, "A test is on its way.")
    return redirect("hook", team, number)


@require_POST
@login_required
def switch_on(request: HttpRequest, team: str, number: int) -> HttpResponse:
    hooks.switch_on(hook_for(request, team, number), by=request.user)
    messages.success(request, "It is called again.")
    return redirect("hook", team, number)


@login_required
def remove(request: HttpRequest, team: str, number: int) -> HttpResponse:
    row = hook_for(request, team, number)
    if request.method == "POST":
        hooks.remove(row, by=request.user)
        messages.success(request, f"The {row} is gone.")
        return redirect("team-notifications", team)
    return render(request, "dashboard/hook_remove.html", {"area": "dashboard", "team": row.team, "hook": row})


@require_safe
@login_required
def delivery(request: HttpRequest, team: str, number: int, delivery: int) -> HttpResponse:
    found = delivery_for(request, team, number, delivery)
    context = {"area": "dashboard", "team": found.hook.team, "hook": found.hook, "delivery": found}
    return render(request, "dashboard/hook_delivery.html", context)


@require_POST
@login_required
def replay(request: HttpRequest, team: str, number: int, delivery: int) -> HttpResponse:
    hooks.replay(delivery_for(request, team, number, delivery))
    messages.info(request, "It is sent again.")
    return redirect("hook", team, number)


def hook_for(request: HttpRequest, team: str, number: int) -> Hook:
    found: Team = team_for(request, team, can_own)
    return get_object_or_404(found.hooks.select_related("team", "appliance"), pk=number)


def delivery_for(request: HttpRequest, team: str, number: int, delivery: int) -> HookDelivery:
    row = hook_for(request, team, number)
    return get_object_or_404(row.deliveries.select_related("hook__team"), pk=delivery)
