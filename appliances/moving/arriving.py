"""What an import does here: drafts, boxes in them, and their publication with the dates that they had there."""

from __future__ import annotations

from contextlib import suppress
from typing import BinaryIO

from django.core.exceptions import ValidationError
from django.db import transaction

from appliances import audit, releases, uploads
from appliances.models import Appliance, Event, Release, Team, Upload
from appliances.states import ReleaseState, RevisionState, Visibility
from builds.engine.errors import SlipwayError
from builds.models import Artifact

from .boxes import Box, Provider, Version

Sums = dict[str, str]
"""Hex digits by the checksum's type, as far as they are known."""


def appliance_for(box: Box, team: Team) -> Appliance:
    """The team's own of that name, or a new one that is not saved. Raises ValidationError when it cannot be one."""
    slug = box.name.partition("/")[2]
    found = team.appliances.filter(slug=slug).first()
    if found is None:
        found = Appliance(
            team=team,
            slug=slug,
            name=slug[:100],
            summary=(" ".join(box.summary.split()) or f"The Vagrant box {box.name}.")[:160],
            description=box.notes,
            visibility=Visibility.TEAM if box.private else Visibility.PUBLIC,
        )
        found.full_clean()
    return found


def keep(appliance: Appliance, box: Box) -> None:
    if appliance.pk is None:
        with transaction.atomic():
            appliance.save()
            if box.created_at:
                Appliance.objects.filter(pk=appliance.pk).update(created_at=box.created_at)
            audit.record(appliance, "appliance-created", by=None)


def draft(appliance: Appliance, version: Version) -> Release:
    with transaction.atomic():
        release = Release.objects.create(appliance=appliance, version=version.version, notes=version.notes)
        if version.created_at:
            Release.objects.filter(pk=release.pk).update(created_at=version.created_at)
        audit.record(release, "release-created", by=None)
    return release


def boxes_of(release: Release) -> dict[tuple[str, str], Sums]:
    """By provider and architecture: those that have arrived, and those that were built here."""
    found: dict[tuple[str, str], Sums] = {}
    built = Artifact.objects.of_succeeded_builds().filter(
        build__revision__release=release, build__revision__state=RevisionState.PUBLISHED, format__startswith="box-"
    )
    for artifact in built:
        found[artifact.format.removeprefix("box-"), artifact.architecture] = sums(artifact.sha256, artifact.details)
    for upload in release.uploads.all():
        if upload.has_arrived:
            found[upload.key] = sums(upload.sha256, upload.frozen())
    return found


def sums(sha256: str, declared: dict[str, str]) -> Sums:
    known = {declared.get("checksum_type", ""): declared.get("checksum", ""), "sha256": sha256}
    return {kind: digits for kind, digits in known.items() if kind and digits}


def receive(release: Release, provider: Provider, file: BinaryIO, size: int) -> None:
    """Let a whole, verified file become the release's box of this provider. What is refused leaves nothing."""
    kind, digits = provider.sum
    told = {"checksum_type": kind, "checksum": digits, "default": provider.default_architecture}
    # An import that was broken off may have declared it.
    upload = release.uploads.filter(provider=provider.name, architecture=provider.architecture).first()
    if upload:
        upload = uploads.change(upload, by=None, **told)
    else:
        upload = uploads.declare(release, provider.name, by=None, architecture=provider.architecture, **told)
    try:
        uploads.receive(upload, file, size=size, by=None)
    except (SlipwayError, ValidationError):
        with suppress(Upload.DoesNotExist):
            uploads.remove(upload, by=None)
        raise


def publish(release: Release, version: Version, *, source: str) -> None:
    """Let it stand here as it stands there, all in one step: what was revoked is never seen."""
    with transaction.atomic():
        release = Release.objects.select_for_update().select_related("appliance__team").get(pk=release.pk)
        first = release.state == ReleaseState.DRAFT
        release = uploads.release(release, by=None)
        if first and release.state == ReleaseState.PUBLISHED:
            date(release, version)
            # What was published elsewhere is no news: nobody gets a letter for each old version.
            Event.objects.filter(release=release, untold=True).update(untold=False)
        if version.status == "revoked" and release.state == ReleaseState.PUBLISHED:
            releases.withdraw(release, reason=f"Revoked on {source}.", by=None)


def date(release: Release, version: Version) -> None:
    """It was published there long before it came here."""
    if version.published_at:
        Release.objects.filter(pk=release.pk).update(published_at=version.published_at)
        release.revisions.filter(state=RevisionState.PUBLISHED).update(published_at=version.published_at)
