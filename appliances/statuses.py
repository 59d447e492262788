"""The forge says of a commit what became of its revision.

Wished in the transaction that moves the revision, told by an errand after it, and tried again for an hour and a half.
That it cannot be told is shown on the repository's page, and is nobody's failure.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import urllib3
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from builds.engine.errors import BuildError, SlipwayError
from builds.engine.source import Address
from builds.text import storable

from . import errands
from .forges.base import Status
from .states import RevisionState

if TYPE_CHECKING:
    from .models import CommitStatus, Repository, Revision

PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20), timedelta(hours=1))
"""Before each of the further attempts."""
SECONDS = 15  # for the forge to answer
LEASE = timedelta(minutes=2)  # after that its worker has died
SAYS = {
    RevisionState.BUILDING: Status.PENDING,
    RevisionState.READY: Status.SUCCESS,
    RevisionState.PUBLISHED: Status.SUCCESS,
    RevisionState.FAILED: Status.FAILURE,
    RevisionState.SUPERSEDED: Status.SUPERSEDED,
}
TEXTS = {
    Status.PENDING: "The images are being built.",
    Status.SUCCESS: "The images were built and passed their checks.",
    Status.FAILURE: "The images could not be built, or a check failed.",
    Status.SUPERSEDED: "A newer commit took its place.",
}


def wish(revision: Revision) -> None:
    """The forge should say how the revision stands. In the transaction that moved it."""
    from .models import CommitStatus  # whose moves are what calls us

    repository = _repository(revision)
    if not (repository and repository.reports):
        return
    wanted = SAYS[RevisionState(revision.state)].value
    fresh = {"wanted": wanted, "due_at": timezone.now()}
    row, created = CommitStatus.objects.select_for_update().get_or_create(revision=revision, defaults=fresh)
    settled = row.wanted == Status.SUCCESS.value and wanted == Status.SUPERSEDED.value  # its images were fine
    if not created:
        if row.wanted == wanted or settled:
            return
        CommitStatus.objects.filter(pk=row.pk).update(attempts=0, error="", hint="", **fresh)
    row.wanted, row.attempts = wanted, 0
    transaction.on_commit(partial(_enqueue, row))


def tell(status_id: int) -> None:
    """Tell it, if it is due and nobody else is at it."""
    from .models import CommitStatus

    now = timezone.now()
    row = CommitStatus.objects.filter(pk=status_id)
    if not row.filter(due_at__lte=now).update(due_at=now + LEASE, attempts=F("attempts") + 1):
        return
    status = row.select_related("revision__release__appliance__team").get()
    error = hint = ""
    try:
        _tell(status)
    except SlipwayError as problem:
        error, hint = problem.message, problem.hint
    except (urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
        error, hint = f"The forge cannot be told: {problem}", "It is tried again."
    told = status.wanted if not error else status.told
    left = status.attempts <= len(PAUSES)
    due = timezone.now() + PAUSES[status.attempts - 1] if error and left else None
    fields = {"told": told, "due_at": due, "error": storable(error), "hint": storable(hint)}
    if not row.filter(wanted=status.wanted).update(**fields):
        # Something else came to be true meanwhile. Told by another worker perhaps, but not surely after us.
        row.update(due_at=timezone.now())
        _enqueue(row.get())


def reconcile() -> list[str]:
    """Statuses that are due and that no worker would hear of."""
    from .models import CommitStatus

    due = CommitStatus.objects.filter(due_at__lte=timezone.now() - timedelta(seconds=10)).order_by("pk")
    for row in due:
        _enqueue(row, forget=True)
    return []


def troubles(repository: Repository, since: datetime) -> list[CommitStatus]:
    """What the forge could not be told lately."""
    from .models import CommitStatus

    mine = CommitStatus.objects.filter(revision__release__appliance=repository.appliance_id).exclude(error="")
    return list(mine.filter(revision__created_at__gt=since).select_related("revision__release__appliance__team")[:5])


def _tell(status: CommitStatus) -> None:
    revision = status.revision
    repository = _repository(revision)
    if not (repository and repository.reports):
        return
    forge, said = repository.kind, Status(status.wanted)
    text = TEXTS[said] if not revision.error else revision.error.splitlines()[0][:140]
    request = forge.status(
        Address.of(repository.url), revision.git_commit, said, text, page_of(revision), repository.token
    )
    answer = settings.REACH.pool(retries=False, timeout=SECONDS).request(
        "POST",
        request.url,
        body=json.dumps(request.json).encode(),
        headers={"Content-Type": "application/json", "User-Agent": "slipway", **request.headers},
        redirect=False,
        preload_content=False,
    )
    try:
        said_back = answer.read(2000).decode(errors="replace")
    finally:
        answer.close()
    if answer.status >= 300 and not forge.known_already(answer.status, said_back):
        raise BuildError(
            f"{forge.label} answers {answer.status} to the status of {revision.git_commit[:10]}: {said_back[:300]}",
            hint="See that the access token may write commit statuses, and that the repository's address is right.",
        )


def page_of(revision: Revision) -> str:
    release = revision.release
    where = [release.appliance.team.slug, release.appliance.slug, release.version, revision.number]
    return settings.SITE_URL + reverse("revision", args=where)


def _repository(revision: Revision) -> Repository | None:
    """The one that it was made of, if its appliance still follows it."""
    repository = revision.release.appliance.followed if revision.git_commit else None
    return repository if repository and repository.url == revision.git_url else None


def _enqueue(row: CommitStatus, *, forget: bool = False) -> None:
    errands.enqueue("tell_status", row.pk, f"status-{row.pk}-{row.wanted}-{row.attempts}", timeout=60, forget=forget)
