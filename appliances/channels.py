"""Which release each channel points to, and what publication means for images in clouds and vCenters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from builds import deliveries
from builds.models import Artifact
from builds.states import Wish

from . import editions, gems
from .states import ReleaseState, RevisionState
from .words import LATEST

if TYPE_CHECKING:
    from .models import Appliance, Release

USUAL = ("stable", "beta")
"""The channels that every appliance has and that choose their release themselves."""


def deliver(appliance: Appliance) -> None:
    """Let channels, and wishes outside, say what the rows say. In the transaction that changed what is published.

    It is the rule of the files: what was once published can be had until its release is withdrawn; the channels point
    to what is published now.
    """
    # Whoever publishes another version at the same time waits here, and then sees this one.
    type(appliance).objects.select_for_update().get(pk=appliance.pk)
    pointed = follow(appliance)
    editions.advance(appliance)
    once_published = Artifact.objects.of_succeeded_builds().filter(
        build__revision__release__appliance=appliance, build__revision__published_at__isnull=False
    )
    images = once_published.exclude(reference="").select_related("build__revision__release", "delivery")
    for image in images.order_by("pk"):
        revision = image.build.revision
        up = revision.release.state != ReleaseState.WITHDRAWN
        current = up and revision.state == RevisionState.PUBLISHED
        wanted = (
            Wish.PUBLISHED if up else Wish.WITHDRAWN,
            pointed.get(revision.release_id, ()) if current else (),
        )
        former = getattr(image, "delivery", None)
        if former is None or (former.wanted, tuple(former.channels)) != wanted:
            deliveries.wish(image, *wanted)


def follow(appliance: Appliance) -> dict[int, tuple[str, ...]]:
    """Bring its channels up to date; returns their names by the id of the release that they point to.

    A promoted release that is withdrawn is passed over, and pointed to again when it is restored.
    """
    published = {release.version: release for release in appliance.releases.published()}
    chosen = {name: published[version] for name, version in automatic(published).items()}
    rows = {row.name: row for row in appliance.channels.select_related("pinned")}
    for name in chosen.keys() - rows.keys():
        rows[name] = appliance.channels.create(name=name)
    pointed: dict[int, tuple[str, ...]] = {}
    for name, row in sorted(rows.items(), reverse=True):
        pinned = row.pinned if row.pinned and row.pinned.state == ReleaseState.PUBLISHED else None
        release = pinned or chosen.get(name)
        if row.release_id != (release.pk if release else None):
            row.release = release
            row.save(update_fields=["release"])
        if release:
            pointed[release.pk] = (*pointed.get(release.pk, ()), name)
    return pointed


def pointed(appliance: Appliance, name: str) -> Release | None:
    """What can be had under a channel's name now. `latest` is what `stable` points to, or else the last published."""
    wanted = USUAL[0] if name == LATEST else name
    rows = appliance.channels.filter(name=wanted, release__state=ReleaseState.PUBLISHED).select_related("release")
    for row in rows:
        return row.release
    if name != LATEST:
        return None
    return appliance.releases.published().order_by("-published_at", "-pk").first()


def automatic(versions: Iterable[str]) -> dict[str, str]:
    """Of the published versions those that the usual channels choose: the highest, and the highest pre-release."""
    return {"beta" if gems.is_prerelease(each) else "stable": each for each in sorted(versions, key=gems.Version)}
