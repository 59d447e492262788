"""Which version to use in the place of one that was withdrawn."""

from __future__ import annotations

from appliances.channels import USUAL
from appliances.gems import Version, is_prerelease
from appliances.models import Release
from appliances.states import ReleaseState


def instead_of(release: Release) -> Release | None:
    """What its team named, while that is published; else of the same major version what its team recommends, or the
    newest; else the same of all.
    """
    chosen = release.instead
    if chosen and chosen.state == ReleaseState.PUBLISHED:
        return chosen
    recommended = release.appliance.channels.filter(name=USUAL[0], pinned__isnull=False).values_list("release").first()

    def fitness(other: Release) -> tuple[object, ...]:
        """For sorting. A pre-release only when there is nothing else."""
        same = _major(other.version) == _major(release.version)
        return not is_prerelease(other.version), same, (other.pk,) == recommended, Version(other.version)

    others = release.appliance.releases.published().exclude(pk=release.pk).only("appliance", "version", "state")
    return max(others, key=fitness, default=None)


def _major(version: str) -> str:
    return version.partition("-")[0].partition(".")[0]
