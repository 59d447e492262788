"""Each base, what was built from it, and what of that is older than the base."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from appliances.causes import bases as watching
from appliances.causes.current import current
from appliances.causes.due import due, standing
from appliances.models import Appliance, Base, BuiltFrom, Team

from .home import maintained


@require_safe
@login_required
def bases(request: HttpRequest) -> HttpResponse:
    mine = Appliance.objects.of(request.user)
    kept = {revision.pk: revision for revision in current(mine)}
    left = {each.revision.pk: each for each in due(kept.values())}
    rows = list(BuiltFrom.objects.published().filter(revision__in=kept).order_by("base", "revision__release"))
    found = list(Base.objects.filter(pk__in={row.base_id for row in rows}))
    for base in found:
        base.rows = [row for row in rows if row.base_id == base.pk]
        base.outdated = sum(row.is_outdated for row in base.rows)
    for row in rows:
        row.standing = standing(left[row.revision_id]) if row.is_outdated and row.revision_id in left else ""
    found.sort(key=lambda base: (not base.outdated, not base.error, base.title))
    return render(request, "dashboard/bases.html", {"area": "bases", "bases": found})


@require_POST
@login_required
def look(request: HttpRequest, number: int) -> HttpResponse:
    """Have it looked at now, not in some hours."""
    base = get_object_or_404(Base.objects.of(request.user), pk=number)
    teams = maintained(request.user, list(Team.objects.of(request.user)))
    if not BuiltFrom.objects.published().filter(base=base, revision__release__appliance__team__in=teams).exists():
        raise PermissionDenied
    now = timezone.now()
    Base.objects.filter(pk=base.pk).update(check_at=now)
    watching.call(now)
    messages.success(request, f"{base} is looked at. What has changed shows here in a moment.")
    return redirect(base)
