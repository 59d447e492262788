"""A team's accounts in clouds and vCenters: add, edit, try, remove. Secrets are written, never read."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from appliances import accounts
from appliances.account_form import AccountForm
from appliances.models import Account, Team
from appliances.permissions import can_own
from builds.engine.accounts import ACCOUNTS
from builds.engine.errors import SlipwayError

from .access import team_for


@require_safe
@login_required
def of_team(request: HttpRequest, team: str) -> HttpResponse:
    """Members see which there are and whether they work; owners change them."""
    found = team_for(request, team)
    context = {
        "area": "dashboard",
        "team": found,
        "may_own": can_own(request.user, found),
        "accounts": found.accounts.defer("ciphertext"),
    }
    return render(request, "dashboard/accounts.html", context)


@login_required
def new(request: HttpRequest, team: str) -> HttpResponse:
    """First which kind, then its form."""
    found = team_for(request, team, can_own)
    kind = request.GET.get("kind", "")
    if kind not in ACCOUNTS:
        context = {"area": "dashboard", "team": found, "kinds": {name: each.label for name, each in ACCOUNTS.items()}}
        return render(request, "dashboard/account_kinds.html", context)
    return edit(request, Account(team=found, kind=kind))


@login_required
def account(request: HttpRequest, team: str, name: str) -> HttpResponse:
    return edit(request, account_for(request, team, name))


def edit(request: HttpRequest, row: Account) -> HttpResponse:
    """What was saved is tried at once; it is kept when that fails, since the cause may lie on the other side."""
    if row.kind not in ACCOUNTS:
        raise Http404(f"This version of Slipway knows no accounts of the kind {row.kind}.")
    form = AccountForm(request.POST or None, kind=ACCOUNTS[row.kind], row=row, by=request.user)
    if request.method == "POST" and form.is_valid():
        row.name = row.name or form.cleaned_data["account"]
        accounts.keep(row, form.options, by=request.user)
        accounts.test(row, by=request.user)
        tell(request, row)
        return redirect("account", row.team.slug, row.name)
    context = {"area": "dashboard", "team": row.team, "account": row, "form": form}
    return render(request, "dashboard/account.html", context, status=422 if form.errors else 200)


def tell(request: HttpRequest, row: Account) -> None:
    if row.error:
        messages.error(request, f"{row.name} is kept, but it does not work yet: see its connection.")
    elif row.missing:
        messages.warning(request, f"{row.name} is kept; it works, but builds may need more than it is allowed.")
    else:
        messages.success(request, f"{row.name} is kept, and it works.")


@require_POST
@login_required
def test(request: HttpRequest, team: str, name: str) -> HttpResponse:
    row = account_for(request, team, name)
    accounts.test(row, by=request.user)
    if request.htmx:
        return render(request, "dashboard/_account_trial.html", {"team": row.team, "account": row})
    return redirect("account", team, name)


@login_required
def remove(request: HttpRequest, team: str, name: str) -> HttpResponse:
    """A page that says what holds it, or what will happen; then the verb."""
    row = account_for(request, team, name)
    if request.method == "POST":
        try:
            accounts.remove(row, by=request.user)
        except SlipwayError as error:
            messages.error(request, str(error))
            return redirect("account", team, name)
        messages.success(request, f"{name} is forgotten.")
        return redirect("accounts", team)
    context: dict[str, Any] = {"area": "dashboard", "team": row.team, "account": row, "held_by": accounts.held_by(row)}
    return render(request, "dashboard/account_remove.html", context)


def account_for(request: HttpRequest, team: str, name: str) -> Account:
    found: Team = team_for(request, team, can_own)
    return get_object_or_404(found.accounts.select_related("team"), name=name)
