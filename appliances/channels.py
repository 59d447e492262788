"""What publication means for images in clouds and vCenters: who may have them, which channels point to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from builds import deliveries
from builds.models import Artifact
from builds.states import Wish

from .states import ReleaseState, RevisionState

if TYPE_CHECKING:
    from .models import Appliance


def deliver(appliance: Appliance) -> None:
    """Wish outside what the rows say inside. In the transaction that changed what is published.

    It is the rule of the files: what was once published can be had until its release is withdrawn; the channels point
    to what is published now.
    """
    # Whoever publishes another version at the same time waits here, and then sees this one.
    type(appliance).objects.select_for_update().get(pk=appliance.pk)
    pointed = channels(appliance.releases.published().values_list("version", flat=True))
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
            pointed.get(revision.release.version, ()) if current else (),
        )
        former = getattr(image, "delivery", None)
        if former is None or (former.wanted, tuple(former.channels)) != wanted:
            deliveries.wish(image, *wanted)


def channels(versions: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Of the published versions those that a channel points to: the highest, and the highest pre-release."""
    ordered = sorted(versions, key=precedence)
    newest = {"beta" if "-" in version else "stable": version for version in ordered}
    return {version: (channel,) for channel, version in newest.items()}


def precedence(version: str) -> tuple[object, ...]:
    """For sorting: numbers as numbers, before words; a pre-release before its version."""
    numbers, dash, before = version.partition("-")
    return _parts(numbers), not dash, _parts(before)


def _parts(text: str) -> list[tuple[bool, int, str]]:
    return [(not part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in text.split(".")]
