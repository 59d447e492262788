"""The repository that an appliance follows: settings, deploy key, webhook, and what the last looks found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from appliances import repositories, statuses
from appliances.models import Repository, User
from appliances.permissions import can_maintain
from appliances.source_form import SourceForm
from builds.engine.errors import WorkerError

from .access import appliance_for

LOOKS_SHOWN = 8
TROUBLES_SHOWN = timedelta(days=7)


@dataclass(frozen=True)
class Verb:
    call: Callable[..., None]
    done: str


VERBS = {
    "look": Verb(repositories.look, "It is being looked at."),
    "renew-webhook": Verb(
        repositories.renew_hook, "The webhook has another address and secret: enter them at the forge."
    ),
    "renew-key": Verb(
        repositories.renew_key, "There is another deploy key: add it at the forge, and remove the former."
    ),
    "forget-host-key": Verb(
        repositories.forget_host_key, "Whatever key the server shows next is remembered: compare its fingerprint."
    ),
    "stop": Verb(repositories.stop, "The appliance follows no repository any more. Its releases stay."),
}


@login_required
def source(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = appliance_for(request, team, appliance, can_maintain)
    repository = found.followed or Repository(appliance=found)
    form = SourceForm(request.POST or None, instance=repository)
    if request.method == "POST" and form.is_valid():
        new = not repository.pk
        repositories.follow(form.save(commit=False), by=request.user, token=form.new_token)
        if new and repository.over_ssh:
            messages.success(request, "Saved. Next: add the deploy key at the forge, then look.")
        else:
            messages.success(request, "Saved. It is being looked at.")
        return redirect("source", team, appliance)
    context = {
        "area": "dashboard",
        "appliance": found,
        "may_maintain": True,
        "repository": repository,
        "form": form,
    }
    if repository.pk:
        kept = Repository.objects.get(pk=repository.pk) if form.errors else repository  # not what was only typed
        context |= {
            "repository": kept,
            "hook_address": settings.SITE_URL + reverse("webhook", args=[kept.hook]),
            "hook_secret": _shown_secret(kept),
            "looks": kept.looks.all()[:LOOKS_SHOWN],
            "troubles": statuses.troubles(kept, timezone.now() - TROUBLES_SHOWN),
        }
    return render(request, "dashboard/source.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def act(request: HttpRequest, team: str, appliance: str, verb: str) -> HttpResponse:
    found = appliance_for(request, team, appliance, can_maintain)
    repository = get_object_or_404(Repository, appliance=found)
    if verb not in VERBS:
        raise Http404
    user: User = request.user
    VERBS[verb].call(repository, by=user)
    messages.success(request, VERBS[verb].done)
    return redirect("appliance" if verb == "stop" else "source", team, appliance)


def _shown_secret(repository: Repository) -> str:
    """It has to be copied to the forge. Empty when the installation's key is gone: then it has to be renewed."""
    try:
        return repository.hook_secret
    except WorkerError:
        return ""
