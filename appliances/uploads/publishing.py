"""Making public what has arrived."""

from __future__ import annotations

from django.db import transaction

from builds import queue

from .. import releases
from ..models import Release, Revision, User
from ..states import RevisionState
from .rules import Refused, is_generated, locked, template_of


def release(release: Release, *, by: User | None) -> Release:
    """Make what has arrived public: at once, or when it has passed its checks. Twice is once."""
    with transaction.atomic():
        release = locked(release)
        if not any(upload.has_arrived for upload in release.uploads.all()):
            raise Refused(f"No box of {release} has arrived.", hint="Upload one for each provider, then release it.")
        if is_generated(release):
            release.template = template_of(release.appliance)
            release.save()
    publish(release, by=by)
    release.refresh_from_db()
    return release


def publish(release: Release, *, by: User | None) -> None:
    """A revision of all that has arrived. The images that its template builds itself stay as they are."""
    revision, made = releases.revise(release, by=by, because="boxes made elsewhere", publish=True)
    if made:
        return
    Revision.objects.filter(pk=revision.pk).update(publish_when_ready=True)
    revision.refresh_from_db()
    if revision.state in (RevisionState.READY, RevisionState.REJECTED):
        releases.publish(revision, by=by)
    elif revision.state == RevisionState.FAILED:
        for build in revision.builds.newest_per_platform().unsuccessful():
            queue.retry(build, by=by)
