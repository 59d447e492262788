"""Teams: who is in, who may what, and the values and secrets of their templates."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from appliances import teams
from appliances.forms import MemberForm, SecretForm, TeamForm, ValueForm
from appliances.models import Team
from appliances.permissions import can_maintain, can_own

from .access import team_for


@login_required
def new(request: HttpRequest) -> HttpResponse:
    form = TeamForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        team = teams.create(form, by=request.user)
        messages.success(request, f"{team} is ready. Next: its first appliance.")
        return redirect("dashboard")
    return render(request, "dashboard/team_form.html", {"area": "dashboard", "form": form})


@login_required
def team(request: HttpRequest, team: str) -> HttpResponse:
    return show(request, team_for(request, team))


@require_POST
@login_required
def add_member(request: HttpRequest, team: str) -> HttpResponse:
    found = team_for(request, team, can_own)
    form = MemberForm(request.POST)
    if not form.is_valid():
        return show(request, found, members=form)
    try:
        membership = teams.give_role(found, form.user, form.cleaned_data["role"], by=request.user)
    except teams.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{membership}.")
    return redirect("team", team)


@require_POST
@login_required
def remove_member(request: HttpRequest, team: str, number: int) -> HttpResponse:
    found = team_for(request, team, can_own)
    membership = get_object_or_404(found.memberships.select_related("user"), pk=number)
    try:
        teams.remove_member(membership, by=request.user)
    except teams.Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{membership.user} is no longer in {found}.")
    return redirect("team", team)


@require_POST
@login_required
def set_secret(request: HttpRequest, team: str) -> HttpResponse:
    found = team_for(request, team, can_own)
    form = SecretForm(request.POST, auto_id="secret_%s")
    if not form.is_valid():
        return show(request, found, secrets=form)
    teams.set_secret(found, form.cleaned_data["name"], form.cleaned_data["value"], by=request.user)
    messages.success(request, f"{form.cleaned_data['name']} is set. The next build uses it.")
    return redirect("team", team)


@require_POST
@login_required
def remove_secret(request: HttpRequest, team: str, number: int) -> HttpResponse:
    found = team_for(request, team, can_own)
    secret = get_object_or_404(found.secrets.select_related("team"), pk=number)
    teams.forget_secret(secret, by=request.user)
    messages.success(request, f"{secret.name} is forgotten. Builds of templates that ask for it will fail.")
    return redirect("team", team)


@require_POST
@login_required
def set_value(request: HttpRequest, team: str) -> HttpResponse:
    found = team_for(request, team, can_maintain)
    form = ValueForm(request.POST, auto_id="value_%s")
    if not form.is_valid():
        return show(request, found, values=form)
    name = form.cleaned_data["name"]
    teams.set_value(found, name, form.cleaned_data["text"], by=request.user)
    messages.success(request, f"{name} is set. What is built already keeps the value that it has.")
    return redirect("team", team)


@require_POST
@login_required
def remove_value(request: HttpRequest, team: str, number: int) -> HttpResponse:
    found = team_for(request, team, can_maintain)
    value = get_object_or_404(found.values, pk=number)
    teams.forget_value(value, by=request.user)
    messages.success(request, f"{value.name} is forgotten. Templates that declare it take the next value there is.")
    return redirect("team", team)


def show(
    request: HttpRequest,
    team: Team,
    *,
    members: MemberForm | None = None,
    secrets: SecretForm | None = None,
    values: ValueForm | None = None,
) -> HttpResponse:
    context = {
        "area": "dashboard",
        "team": team,
        "memberships": team.memberships.select_related("user").order_by("user__username"),
        "secrets": team.secrets.defer("ciphertext"),
        "values": team.values.all(),
        "may_maintain": can_maintain(request.user, team),
        "may_own": can_own(request.user, team),
        "member_form": members or MemberForm(),
        "secret_form": secrets or SecretForm(auto_id="secret_%s"),
        "value_form": values or ValueForm(auto_id="value_%s"),
    }
    return render(request, "dashboard/team.html", context, status=422 if members or secrets or values else 200)
