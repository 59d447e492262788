"""How a box, a version and a provider look to clients.

They take an object for existing when it has `created_at`, and some stop at a key of a box that they do not know:
nothing may be added to a box.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from appliances.catalog.shelf import folder_of
from appliances.models import Appliance, Release, Upload
from appliances.states import ReleaseState, Visibility
from builds.models import Artifact

STATUSES = {
    ReleaseState.DRAFT: "unreleased",
    ReleaseState.PUBLISHED: "active",
    ReleaseState.WITHDRAWN: "revoked",
}
BOX = "box-"
"""What the format of a box's artifact begins with; the rest is the provider."""


def moment(when: datetime | None) -> str | None:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if when else None


def box(appliance: Appliance, current: dict[str, Any] | None, downloads: int) -> dict[str, Any]:
    return {
        "tag": str(appliance),
        "username": appliance.team.slug,
        "name": appliance.slug,
        "private": appliance.visibility == Visibility.TEAM,
        "short_description": appliance.summary,
        "description": appliance.description,
        "description_markdown": appliance.description,
        "description_html": None,
        "downloads": downloads,
        "created_at": moment(appliance.created_at),
        "updated_at": moment(appliance.changed_at or appliance.created_at),
        "current_version": current,
    }


def version(release: Release, providers: Iterable[dict[str, Any]], site: str) -> dict[str, Any]:
    address = f"{site}/api/v1/box/{release.appliance}/version/{release.version}"
    return {
        "version": release.version,
        "number": release.version,
        "status": STATUSES[ReleaseState(release.state)],
        "description": release.notes,
        "description_markdown": release.notes,
        "description_html": None,
        "created_at": moment(release.created_at),
        "updated_at": moment(release.published_at or release.created_at),
        "release_url": f"{address}/release",
        "revoke_url": f"{address}/revoke",
        "providers": list(providers),
    }


def of_upload(upload: Upload, artifact: Artifact | None, release: Release, site: str) -> dict[str, Any]:
    """`artifact` is what became of it when the release was published."""
    declared = bool(upload.checksum)
    return {
        "name": upload.provider,
        "hosted": not upload.url,
        "hosted_token": None,
        "original_url": upload.url or None,
        "url": upload.url or None,
        "download_url": upload.url or (address(artifact, release, site) if artifact else None),
        "checksum": upload.checksum if declared else upload.sha256 or None,
        "checksum_type": upload.checksum_type if declared else ("sha256" if upload.sha256 else None),
        "architecture": upload.architecture,
        "default_architecture": upload.default,
        "created_at": moment(upload.created_at),
        "updated_at": moment(upload.updated_at),
    }


def of_artifact(artifact: Artifact, release: Release, site: str) -> dict[str, Any]:
    url = artifact.details.get("url") or None
    declared = artifact.details.get("checksum")
    return {
        "name": artifact.format.removeprefix(BOX),
        "hosted": not url,
        "hosted_token": None,
        "original_url": url,
        "url": url,
        "download_url": address(artifact, release, site),
        "checksum": declared or artifact.sha256 or None,
        "checksum_type": artifact.details.get("checksum_type") if declared else ("sha256" if artifact.sha256 else None),
        "architecture": artifact.architecture,
        "default_architecture": artifact.details.get("default_architecture", True),
        "created_at": moment(artifact.created_at),
        "updated_at": moment(artifact.created_at),
    }


def address(artifact: Artifact, release: Release, site: str) -> str:
    """Where its file is: here, for good, or elsewhere."""
    return artifact.details.get("url") or f"{site}{folder_of(artifact.build.revision, release)}/{artifact.name}"
