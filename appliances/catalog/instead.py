"""Which version to use in the place of one that was withdrawn."""

from __future__ import annotations

from appliances.gems import Version, is_prerelease
from appliances.models import Release
from appliances.states import ReleaseState


def instead_of(release: Release) -> Release | None:
    """What its team named, while that is published; else the newest of the same major version, else the newest."""
    chosen = release.instead
    if chosen and chosen.state == ReleaseState.PUBLISHED:
        return chosen
    others = release.appliance.releases.published().exclude(pk=release.pk).only("appliance", "version", "state")
    return max(others, key=lambda each: _fitness(each.version, release.version), default=None)


def _fitness(version: str, withdrawn: str) -> tuple[object, ...]:
    """For sorting: no pre-release when there is anything else, then the same major version, then the newest."""
    return not is_prerelease(version), _major(version) == _major(withdrawn), Version(version)


def _major(version: str) -> str:
    return version.partition("-")[0].partition(".")[0]
