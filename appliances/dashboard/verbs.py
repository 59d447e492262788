"""Publish, reject, withdraw, restore, roll back, rebuild: a page that says what will happen, then the verb itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Sum
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from appliances import releases
from appliances.forms import NoteForm, RebuildForm, WithdrawForm
from appliances.models import Release, Revision, User
from appliances.permissions import can_maintain
from appliances.states import ReleaseState, RevisionState
from builds.engine.errors import SlipwayError
from builds.models import Artifact
from builds.moves import Lost

from .access import release_for


@dataclass(frozen=True)
class Verb:
    title: str
    explanation: str
    done: str
    call: Callable[[Release, User, dict[str, Any]], Any]
    possible: Callable[[Release, list[Revision]], bool]
    danger: bool = False
    note: str = ""
    """Help for a note; empty: nobody is asked for one."""
    needs_note: bool = False


def _newest(revisions: list[Revision]) -> str:
    return revisions[0].state if revisions else ""


def _publish(release: Release, user: User, data: dict[str, Any]) -> None:
    revision = get_object_or_404(release.revisions, number=data.get("revision") or release.revisions.first().number)
    releases.publish(revision, by=user, note=data["note"])


def _reject(release: Release, user: User, data: dict[str, Any]) -> None:
    revision = get_object_or_404(release.revisions, number=data.get("revision") or release.revisions.first().number)
    releases.reject(revision, by=user, note=data["note"])


def _roll_back(release: Release, user: User, data: dict[str, Any]) -> None:
    seen = data.get("seen", "")
    releases.roll_back(release, by=user, seen=int(seen) if seen.isdecimal() else None)


# In the order of their buttons: what one most likely came for stands last.
VERBS = {
    "reject": Verb(
        "Reject",
        "It does not go on the catalog. Its images are kept, and you can still publish it; what is on the catalog now "
        "stays there.",
        "It is rejected.",
        _reject,
        lambda release, revisions: _newest(revisions) == RevisionState.READY,
        danger=True,
        note="Why. Your team reads it beside the revision.",
        needs_note=True,
    ),
    "rebuild": Verb(
        "Rebuild",
        "Makes the images again from the same inputs. The present ones stay up until the new ones are ready.",
        "A new revision is being built.",
        lambda release, user, data: releases.rebuild(release, by=user, layers=not data["without_layers"]),
        lambda release, revisions: bool(revisions) and _newest(revisions) != RevisionState.BUILDING,
    ),
    "roll-back": Verb(
        "Roll back",
        "The revision that was published before the present one takes its place, for people and clients. "
        "The present one is kept.",
        "The former revision is on the catalog again.",
        _roll_back,
        lambda release, revisions: (
            release.state == ReleaseState.PUBLISHED
            and any(each.state == RevisionState.SUPERSEDED and each.published_at for each in revisions)
        ),
        danger=True,
    ),
    "withdraw": Verb(
        "Withdraw",
        "Its files can no longer be downloaded and leave every index, its images in clouds are taken back. Its page "
        "stays and tells your reason. "
        "You can restore it later.",
        "It is withdrawn.",
        lambda release, user, data: releases.withdraw(release, reason=data["reason"], instead=data["instead"], by=user),
        lambda release, revisions: release.state == ReleaseState.PUBLISHED,
        danger=True,
    ),
    "restore": Verb(
        "Restore",
        "It is shown again, with the revision that it had, and its files can be downloaded again.",
        "It is on the catalog again.",
        lambda release, user, data: releases.restore(release, by=user),
        lambda release, revisions: release.state == ReleaseState.WITHDRAWN,
    ),
    "publish": Verb(
        "Publish",
        "Its files appear on the catalog, in the Vagrant index and at their addresses, all at once; its images in "
        "clouds are shared right after that. "
        "What was published of this version before stays available at its own addresses.",
        "It is on the catalog.",
        _publish,
        lambda release, revisions: (
            _newest(revisions) in (RevisionState.READY, RevisionState.REJECTED)
            and release.state != ReleaseState.WITHDRAWN
        ),
        note="What you looked at, or who asked for it. Your team reads it beside the revision.",
    ),
}


def possible(release: Release, revisions: list[Revision]) -> dict[str, Verb]:
    """What can be done with the release as it stands, by the name in the address."""
    return {name: verb for name, verb in VERBS.items() if verb.possible(release, revisions)}


def form_of(verb: str, release: Release, request: HttpRequest) -> Form | None:
    """What one is asked besides "are you sure"."""
    data = request.POST if request.method == "POST" else None
    if verb == "withdraw":
        return WithdrawForm(data, release=release)
    if verb == "rebuild":
        return RebuildForm(data)
    chosen = VERBS[verb]
    return NoteForm(data, required=chosen.needs_note, help_text=chosen.note) if chosen.note else None


@login_required
def confirm(request: HttpRequest, team: str, appliance: str, version: str, verb: str) -> HttpResponse:
    release = release_for(request, team, appliance, version, can_maintain)
    if verb not in VERBS:
        raise Http404
    chosen = VERBS[verb]
    form = form_of(verb, release, request)
    if request.method == "POST" and (form is None or form.is_valid()):
        try:
            chosen.call(release, request.user, request.POST.dict() | (form.cleaned_data if form else {}))
        except (SlipwayError, Lost) as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{release}: {chosen.done}")
        return redirect("release", team, appliance, version)
    files = Artifact.objects.of_succeeded_builds().filter(build__revision__release=release).exclude(file="")
    context = {
        "area": "dashboard",
        "release": release,
        "appliance": release.appliance,
        "verb": chosen,
        "form": form,
        "revision": release.revisions.first(),
        "published": Revision.objects.published().filter(release=release).first(),
        "downloads": files.aggregate(all=Sum("downloads"))["all"] or 0,
    }
    return render(request, "dashboard/confirm.html", context)
