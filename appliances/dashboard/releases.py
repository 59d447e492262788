"""The release editor: the template with its problems beside their lines, the plan, and what comes of it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from appliances import editing, releases
from appliances.archives import store_archive
from appliances.forms import ReleaseForm
from appliances.models import Appliance, Release, Revision, SourceKind, User
from appliances.permissions import can_maintain
from appliances.reading import place
from builds import outline
from builds.engine.errors import Problem, SlipwayError, TemplateError
from builds.states import BuildState, DeliveryState

from . import deliveries, uploads
from .access import appliance_for, release_for
from .changes import diff
from .example import EXAMPLE
from .importing import IMPORTED
from .queue import Outlook
from .values import fields, posted, shown
from .verbs import possible

REVISIONS_SHOWN = 20


@login_required
def new(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    found = appliance_for(request, team, appliance, can_maintain)
    newest = found.releases.order_by("-created_at").first()
    release = Release(appliance=found, template=newest.template if newest else EXAMPLE)
    if newest:
        release.values = newest.values
        release.source_kind, release.archive = newest.source_kind, newest.archive
        release.git_url, release.git_ref = newest.git_url, newest.git_ref
    release.version = next_version(newest)
    if request.method != "POST" and (imported := request.session.pop(IMPORTED, "")):
        release.template = imported
    return edit(request, release)


@login_required
def release(request: HttpRequest, team: str, appliance: str, version: str) -> HttpResponse:
    needs = {"needs": can_maintain} if request.method == "POST" else {}
    return edit(request, release_for(request, team, appliance, version, **needs))


def edit(request: HttpRequest, release: Release) -> HttpResponse:
    form = ReleaseForm(request.POST or None, request.FILES or None, instance=release)
    if request.method == "POST":
        release.values = posted(request.POST)
    problems: list[Problem] | None = None
    if request.method == "POST" and form.is_valid():
        try:
            saved = save(form, request.user)
            if "build" not in request.POST:
                messages.success(request, "Saved. Nothing is built yet.")
                return redirect("release", *address(saved))
            revision, created = releases.revise(saved, by=request.user)
        except TemplateError as error:
            problems = list(error.problems)
        except SlipwayError as error:
            form.add_error(None, str(error))
        else:
            if not created:
                messages.info(request, f"Nothing changed since r{revision.number}, so nothing is built.")
            elif len(revision.platforms) == 1 and (build := revision.builds.first()):
                return redirect("build", build.pk)
            return redirect("release", *address(saved))
    text = form["template"].value() or ""
    status = 422 if form.errors or problems else 200
    return render(request, "dashboard/release.html", page(request, release, form, text, problems), status=status)


@require_POST
@login_required
def validate(request: HttpRequest, team: str, appliance: str) -> HttpResponse:
    """What is wrong with the text as it is typed, and the plan that it makes."""
    found = appliance_for(request, team, appliance, can_maintain)
    text = request.POST.get("template", "").replace("\r\n", "\n")
    release = found.releases.filter(version=request.POST.get("release")).first()
    inline = request.POST.get("source_kind") == SourceKind.INLINE
    given = posted(request.POST)
    read = verdict(found, release, text, given, inline=inline)
    # What somebody is typing into a field stays, unless there have to be other fields.
    others = shown(request.POST) != {each.name for each in read["value_fields"]}
    context = {"appliance": found, "release": release, "live": True, "renew_values": read["readable"] and others}
    return render(request, "dashboard/_verdict.html", {**context, **read})


def save(form: ReleaseForm, by: User) -> Release:
    """An uploaded archive is stored first, under its content's key: revisions keep pointing to theirs."""
    if upload := form.cleaned_data.get("upload"):
        form.instance.archive = store_archive(upload)
    return editing.save(form, by=by)


def address(release: Release) -> tuple[str, str, str]:
    return release.appliance.team.slug, release.appliance.slug, release.version


def page(
    request: HttpRequest, release: Release, form: ReleaseForm, text: str, problems: list[Problem] | None
) -> dict[str, Any]:
    revisions = list(recent_revisions(release)) if release.pk else []
    add_time_left(revisions)
    shared = deliveries.of_release(release) if release.pk else []
    return {
        "area": "dashboard",
        "release": release,
        "appliance": release.appliance,
        "form": form,
        "revisions": revisions,
        "deliveries": shared,
        "deliveries_under_way": any(each.state in (DeliveryState.QUEUED, DeliveryState.RUNNING) for each in shared),
        "events": release.events.select_related("by", "revision")[:20] if release.pk else [],
        "may_maintain": can_maintain(request.user, release.appliance.team),
        "verbs": possible(release, revisions),
        **uploads.shown(release),
        **verdict(
            release.appliance,
            release if release.pk else None,
            text,
            release.values,
            inline=form["source_kind"].value() == SourceKind.INLINE,
            problems=problems,
        ),
    }


def recent_revisions(release: Release) -> QuerySet[Revision]:
    return release.revisions.annotate(
        file_count=Count(
            "builds__artifacts",
            filter=Q(builds__state=BuildState.SUCCEEDED) & ~Q(builds__artifacts__file=""),
            distinct=True,
        )
    ).prefetch_related("builds")[:REVISIONS_SHOWN]


def add_time_left(revisions: list[Revision]) -> None:
    """Until all its builds have ended, as far as that is known."""
    active = {revision.pk: [build for build in revision.builds.all() if build.is_active] for revision in revisions}
    outlook = Outlook.now() if any(active.values()) else Outlook()
    for revision in revisions:
        entries = [outlook.of(build) for build in active[revision.pk]]
        ends = [entry.estimate.end if entry else None for entry in entries]
        revision.seconds_left = max(ends) if ends and None not in ends else None


def verdict(
    appliance: Appliance,
    release: Release | None,
    text: str,
    given: dict[str, Any],
    *,
    inline: bool,
    problems: list[Problem] | None = None,
) -> dict[str, Any]:
    """How the text reads now with the values `given` in its form, and what changed in it since the newest revision."""
    around = place(appliance, given)
    read = outline.read(text, around, inline=inline)
    problems = list(read.problems) if problems is None else problems
    former = release.revisions.first() if release else None
    if former and former.extends and read.template is None:
        former = None  # what cannot be flattened cannot be compared with what was
    flattened = read.template.text if read.template else text
    return {
        "problems": problems,
        "outlines": read.outlines,
        "missing_secrets": read.missing,
        "lacking_accounts": read.lacking,
        "lineage": read.template.lineage if read.template else (),
        "readable": read.template is not None,
        "value_fields": fields(read, around, given),
        "bad_lines": {problem.line for problem in problems if problem.line and not problem.template},
        "line_numbers": range(1, text.count("\n") + 2),
        "former": former,
        "diff": diff(former.template, flattened) if former else [],
    }


def next_version(newest: Release | None) -> str:
    """The last number plus one; what a person most often wants."""
    if newest is None:
        return "1.0.0"
    head, dot, last = newest.version.rpartition(".")
    return f"{head}{dot}{int(last) + 1}" if last.isdigit() else ""
