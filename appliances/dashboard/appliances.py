"""An appliance as its team sees it: its releases and what the catalog says about it."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Prefetch, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from appliances import editing
from appliances.forms import ApplianceForm
from appliances.models import Revision, Team
from appliances.permissions import can_maintain
from builds.models import Build

from .access import appliance_for
from .home import maintained

RELEASES_SHOWN = 50


@require_safe
@login_required
def appliance(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = appliance_for(request, team, appliance)
    releases = (
        found.releases.annotate(
            revision_count=Count("revisions", distinct=True),
            downloads=Sum("revisions__builds__artifacts__downloads"),
        )
        .prefetch_related(
            Prefetch(
                "revisions",
                Revision.objects.prefetch_related(Prefetch("builds", Build.objects.newest_per_platform())),
            )
        )
        .order_by("-created_at")[:RELEASES_SHOWN]
    )
    context = {
        "area": "dashboard",
        "appliance": found,
        "releases": releases,
        "channels": found.channels.select_related("release", "pinned"),
        "site": request.build_absolute_uri("/").rstrip("/"),
        "may_maintain": can_maintain(request.user, found.team),
    }
    return render(request, "dashboard/appliance.html", context)


@login_required
def new(request: HttpRequest) -> HttpResponse:
    teams = maintained(request.user, list(Team.objects.of(request.user)))
    if not teams:
        messages.info(request, "An appliance belongs to a team. Create yours first.")
        return redirect("new-team")
    form = ApplianceForm(request.POST or None, teams=teams)
    if request.method == "POST" and form.is_valid():
        created = editing.save(form, by=request.user)
        return redirect("new-release", created.team.slug, created.slug)
    return render(request, "dashboard/appliance_form.html", {"area": "dashboard", "form": form})


@login_required
def edit(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = appliance_for(request, team, appliance, can_maintain)
    form = ApplianceForm(request.POST or None, instance=found, teams=[])
    if request.method == "POST" and form.is_valid():
        editing.save(form, by=request.user)
        messages.success(request, "Saved. The catalog shows it already.")
        return redirect("appliance", team, appliance)
    context = {"area": "dashboard", "form": form, "appliance": found, "may_maintain": True}
    return render(request, "dashboard/appliance_form.html", context)
