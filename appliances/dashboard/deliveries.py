"""On the release's page: what has become of its images outside, and trying that again."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from appliances.catalog.families import label
from appliances.models import Release
from appliances.permissions import can_maintain
from appliances.states import RevisionState
from builds import deliveries
from builds.models import Delivery
from builds.states import DeliveryState, Wish

from .access import release_for

WORDS = {
    (Wish.PUBLISHED, DeliveryState.QUEUED): "waits to be shared",
    (Wish.PUBLISHED, DeliveryState.RUNNING): "being shared",
    (Wish.PUBLISHED, DeliveryState.DONE): "shared",
    (Wish.PUBLISHED, DeliveryState.FAILED): "not shared",
    (Wish.WITHDRAWN, DeliveryState.QUEUED): "waits to be taken back",
    (Wish.WITHDRAWN, DeliveryState.RUNNING): "being taken back",
    (Wish.WITHDRAWN, DeliveryState.DONE): "taken back",
    (Wish.WITHDRAWN, DeliveryState.FAILED): "still shared",
}


def of_release(release: Release) -> list[Delivery]:
    """Of what is published now, and of former revisions what is not as it should be."""
    found = (
        Delivery.objects.filter(artifact__build__revision__release=release)
        .filter(Q(artifact__build__revision__state=RevisionState.PUBLISHED) | ~Q(state=DeliveryState.DONE))
        .select_related("artifact__build__revision")
        .order_by("-artifact__build__revision__number", "artifact__format", "artifact__pk")
    )
    now = timezone.now()
    for each in found:
        each.word = WORDS[each.wanted, each.state]
        each.label = label(each.artifact.format)
        each.wait = max(0.0, (each.due_at - now).total_seconds())
    return list(found)


@require_POST
@login_required
def retry(request: HttpRequest, team: str, appliance: str, version: str, number: int) -> HttpResponse:
    release = release_for(request, team, appliance, version, can_maintain)
    found = get_object_or_404(Delivery, pk=number, artifact__build__revision__release=release)
    deliveries.retry(found, by=request.user)
    messages.info(request, f"{found.artifact.reference} is tried again.")
    return redirect("release", team, appliance, version)
