"""The build page: what happens, live or a year later, read from the same rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from appliances.catalog.families import label
from appliances.permissions import can_maintain
from builds import kept, queue
from builds.engine import provisioning
from builds.engine.errors import SlipwayError
from builds.models import Build, Layer, LogChunk, Step
from builds.states import BuildState

from . import debugging
from .access import build_for
from .debugging import Session
from .progress import progress
from .queue import Outlook
from .timeline import drawing

CHUNKS_SHOWN = 3000
LAST_LINES = 24
STOP_POLLING = 286  # what htmx takes as "this was the last answer"


@dataclass(frozen=True)
class Part:
    """Log text of one step. `begins`: what is before it is another step's; `first`: nothing before is its."""

    step: Step | None
    begins: bool
    first: bool
    text: str


@require_safe
@login_required
def build(request: HttpRequest, number: int) -> HttpResponse:
    found = build_for(request, number)
    steps = {step.pk: step for step in found.steps.all()}
    newest = list(found.log.order_by("-sequence")[: CHUNKS_SHOWN + 1])
    chunks = newest[:CHUNKS_SHOWN][::-1]
    context = page(request, found) | {
        "parts": list(parts(chunks, steps, None, set())),
        "cut": len(newest) > CHUNKS_SHOWN,
        "after": chunks[-1].sequence if chunks else -1,
    }
    if found.error and (found.is_final or found.kept_until):
        context["last_lines"] = last_lines(found)
    if context["may_maintain"] and found.state == BuildState.FAILED:
        context["goes_on_before"] = goes_on_before(found)
        context["debug_choices"] = debugging.choices() if kept.may_help(found) else []
    return render(request, "builds/build.html", context)


@require_safe
@login_required
def live(request: HttpRequest, number: int) -> HttpResponse:
    """What changed since chunk `after`. The last answer of a build says that it is the last."""
    found = build_for(request, number)  # before the log: whatever a final build logged is then there, too
    after = int(request.GET["after"]) if request.GET.get("after", "").isdecimal() else -1
    chunks = list(found.log.after(after)[:CHUNKS_SHOWN])
    steps = {step.pk: step for step in found.steps.all()}
    before = found.log.filter(sequence__lte=after).order_by("-sequence").values_list("step", flat=True).first()
    known = set(found.log.filter(sequence__lte=after).order_by().values_list("step", flat=True).distinct())
    final = found.is_final and len(chunks) < CHUNKS_SHOWN
    context = page(request, found) | {
        "parts": list(parts(chunks, steps, before, known)),
        "after": chunks[-1].sequence if chunks else after,
        "final": final,
    }
    shown = request.GET.get("kept", "")
    context["session_changed"] = context["kept"] != shown
    response = render(request, "builds/_live.html", context, status=STOP_POLLING if final else 200)
    if (final and found.error) or bool(context["kept"]) != bool(shown):
        response["HX-Refresh"] = "true"  # the page opens anew with the failure first
    return response


@require_safe
@login_required
def log(request: HttpRequest, number: int) -> StreamingHttpResponse:
    found = build_for(request, number)
    texts = found.log.values_list("text", flat=True).iterator(chunk_size=500)
    return StreamingHttpResponse(
        texts,
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'inline; filename="build-{found.pk}.log"'},
    )


@require_POST
@login_required
def cancel(request: HttpRequest, number: int) -> HttpResponse:
    found = build_for(request, number, can_maintain)
    try:
        queue.cancel(found, by=request.user)
    except SlipwayError as error:
        messages.error(request, str(error))
    return redirect("build", number)


@require_POST
@login_required
def retry(request: HttpRequest, number: int) -> HttpResponse:
    found = build_for(request, number, can_maintain)
    try:
        return redirect("build", queue.retry(found, by=request.user).pk)
    except SlipwayError as error:
        messages.error(request, str(error))
        return redirect("build", number)


def page(request: HttpRequest, found: Build) -> dict[str, Any]:
    """What the whole page and its live parts show alike."""
    team = found.revision.release.appliance.team
    checks = list(found.check_results.all())
    for check in checks:
        check.label = label(check.format)
    artifacts = list(found.artifacts.all())
    for artifact in artifacts:
        artifact.label = label(artifact.format)
    seen = progress(found)
    may_maintain = can_maintain(request.user, team)
    kept_until = found.kept_until  # asked once: it passes
    session = Session.of(found) if may_maintain and found.debug_until else None
    return {
        "area": "dashboard",
        "build": found,
        "release": found.revision.release,
        "appliance": found.revision.release.appliance,
        "progress": seen,
        "drawing": drawing(seen, active=found.is_active, rest_only=bool(found.resumes_id)),
        "queued": Outlook.now().of(found) if found.state == BuildState.QUEUED else None,
        "artifacts": artifacts,
        "checks": checks,
        "may_maintain": may_maintain,
        "final": found.is_final,
        "session": session,
        # What the page shows of a kept machine: only when that has changed it is sent again.
        "kept": (session.stamp if session else "kept") if kept_until else "",
        "seconds_left": (kept_until - timezone.now()).total_seconds() if kept_until else 0,
    }


def goes_on_before(found: Build) -> Step | None:
    """Where a next attempt begins if nothing changes: after the last step whose state is kept. None: at the start."""
    if not found.layers or found.started_at is None:
        return None
    layers = Layer.objects.usable().filter(
        appliance=found.revision.release.appliance_id, platform=found.platform, used_at__gte=found.started_at
    )
    kept_after = {
        provisioning.START if title.startswith("after the boot of ") else title.removeprefix("after ")
        for title in layers.values_list("title", flat=True)
    }
    follows = [after for before, after in pairwise(found.steps.all()) if before.title in kept_after]
    return follows[-1] if follows else None


def parts(
    chunks: Iterable[LogChunk], steps: dict[int, Step], before: int | None, known: set[int | None]
) -> Iterator[Part]:
    """Chunks of the same step, one after another, as one text."""
    texts: list[str] = []
    current, begins = before, False
    for chunk in chunks:
        if chunk.step_id != current:
            if texts:
                yield Part(steps.get(current), begins, begins and current not in known, "".join(texts))
                known.add(current)
            texts, current, begins = [], chunk.step_id, True
        texts.append(chunk.text)
    if texts:
        yield Part(steps.get(current), begins, begins and current not in known, "".join(texts))


def last_lines(found: Build) -> str:
    """The end of the log of the step that failed, or of the whole when none did."""
    failed = found.steps.filter(state="failed").first()
    chunks = found.log.filter(step=failed) if failed else found.log.all()
    text = "".join(chunk.text for chunk in reversed(chunks.order_by("-sequence")[:LAST_LINES]))
    return "\n".join(text.splitlines()[-LAST_LINES:])
