"""Tokens of a person, and of a team: made, shown once, revoked."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from appliances import tokens
from appliances.catalog import bringing
from appliances.forms import TokenForm
from appliances.models import Scope, Team
from appliances.permissions import can_own

from .access import team_for


@never_cache
@login_required
def mine(request: HttpRequest) -> HttpResponse:
    """Everybody's own: they act as this person."""
    return page(request, None)


@never_cache
@login_required
def of_team(request: HttpRequest, team: str) -> HttpResponse:
    """A team's, which act for it alone, whoever made them and wherever they are now. Owners only."""
    return page(request, team_for(request, team, can_own))


def page(request: HttpRequest, team: Team | None) -> HttpResponse:
    """A new token is in the answer to its form, and nowhere else ever again."""
    form = TokenForm(request.POST or None)
    context: dict[str, Any] = {}
    if request.method == "POST" and form.is_valid():
        token, text = tokens.issue(form, by=request.user, team=team)
        form, context = TokenForm(), {"token": token, "text": text}
        if token.scopes == [Scope.READ]:
            site = request.build_absolute_uri("/").rstrip("/")
            context |= {"take_token": bringing.TAKE, "vagrant_exports": bringing.vagrant(site)}
    rows = team.tokens.select_related("created_by") if team else request.user.tokens.all()
    context |= {"area": "dashboard" if team else "account", "team": team, "may_own": True, "tokens": rows, "form": form}
    return render(request, "dashboard/tokens.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    tokens.revoke(found := get_object_or_404(request.user.tokens, pk=number), by=request.user)
    messages.success(request, f"{found.name} is revoked: it opens nothing any more.")
    return redirect("tokens")


@require_POST
@login_required
def revoke_of_team(request: HttpRequest, team: str, number: int) -> HttpResponse:
    owner = team_for(request, team, can_own)
    tokens.revoke(found := get_object_or_404(owner.tokens, pk=number), by=request.user)
    messages.success(request, f"{found.name} is revoked: it opens nothing any more.")
    return redirect("team-tokens", team)
