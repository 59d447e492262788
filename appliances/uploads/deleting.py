"""Removing what nobody ever had."""

from __future__ import annotations

from functools import partial

from django.db import transaction

from builds.models import Artifact

from .. import audit
from ..models import Appliance, Release, User
from .files import delete_unless_used
from .rules import Refused


def delete(release: Release, *, by: User | None) -> None:
    """Remove a draft that was never published, with its boxes and all that was built of it."""
    with transaction.atomic():
        release = Release.objects.select_for_update().select_related("appliance__team").get(pk=release.pk)
        if release.published_at or release.revisions.filter(published_at__isnull=False).exists():
            raise Refused(f"{release} was published: people may have it.", hint="Withdraw it instead, and say why.")
        _delete_release(release, by=by)


def delete_appliance(appliance: Appliance, *, by: User | None) -> None:
    """Remove an appliance of which nothing was ever published."""
    with transaction.atomic():
        appliance = Appliance.objects.select_for_update().select_related("team").get(pk=appliance.pk)
        published = appliance.releases.filter(published_at__isnull=False).values_list("version", flat=True)
        if published:
            raise Refused(
                f"Of {appliance} was published: {', '.join(published)}.", hint="Withdraw these versions instead."
            )
        for each in appliance.releases.select_related("appliance__team"):
            _delete_release(each, by=by)
        audit.record(appliance.team, "appliance-deleted", f"deleted {appliance}", by=by)
        appliance.delete()


def _delete_release(release: Release, *, by: User | None) -> None:
    active = [build for revision in release.revisions.all() for build in revision.builds.active()]
    if active:
        raise Refused(f"{release} is being built.", hint=f"Cancel {active[0]} first.")
    if Artifact.objects.filter(build__revision__release=release).exclude(reference="").exists():
        raise Refused(f"{release} has images in clouds or vCenters.", hint="Keep it as a draft.")
    files = {*Artifact.objects.filter(build__revision__release=release).values_list("file", flat=True)}
    files |= {*release.uploads.values_list("file", flat=True)}
    audit.record(release.appliance, "release-deleted", f"deleted the draft {release.version}", by=by)
    release.delete()
    for key in files - {""}:
        transaction.on_commit(partial(delete_unless_used, key))
