"""One revision: what was made of it on each platform, and in what that differs."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from appliances.catalog.families import label, place
from appliances.models import Revision
from appliances.permissions import can_maintain
from builds import outline
from builds.models import Artifact, CheckResult
from builds.parity import compare

from .access import release_for
from .verbs import VERBS, Verb


@require_safe
@login_required
def revision(request: HttpRequest, team: str, appliance: str, version: str, number: int) -> HttpResponse:
    release = release_for(request, team, appliance, version)
    found = get_object_or_404(release.revisions, number=number)
    builds = found.builds.newest_per_platform().order_by("platform")
    artifacts = Artifact.objects.of_succeeded_builds().filter(build__in=builds).select_related("build")
    artifacts = sorted(artifacts, key=lambda each: (place(each.format), each.pk))
    for artifact in artifacts:
        artifact.label = label(artifact.format)
    results = CheckResult.objects.filter(build__in={each.build_id for each in artifacts})
    context = {
        "area": "dashboard",
        "appliance": release.appliance,
        "release": release,
        "revision": found,
        "builds": builds,
        "lineage": found.extends,
        "settings": outline.frozen(found.template, found.values, found.origins),
        "artifacts": artifacts,
        "parity": compare(artifacts, results),
        "events": found.events.select_related("by"),
        "verbs": decisions(found) if can_maintain(request.user, release.appliance.team) else {},
    }
    return render(request, "dashboard/revision.html", context)


def decisions(revision: Revision) -> dict[str, Verb]:
    """What a maintainer may decide about it, while it is the newest of its release."""
    if revision.release.revisions.filter(number__gt=revision.number).exists():
        return {}
    return {name: VERBS[name] for name in ("reject", "publish") if VERBS[name].possible(revision.release, [revision])}
