"""Boxes that were made elsewhere, as a revision has frozen them: how they become the artifacts of a build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from . import plans
from .engine.platforms.upload.platform import Upload
from .models import Artifact, Build
from .states import BuildState

if TYPE_CHECKING:
    from appliances.models import Revision, User

PLATFORM = Upload.name
PREFIX = "uploads"
MEDIA_TYPES = {"": "application/x-tar", "gzip": "application/gzip", "xz": "application/x-xz"}


def are_tested(revision: Revision) -> bool:
    """Does a worker have to launch them, or is there nothing that they must show?"""
    plan = plans.bare_plans(revision.template).get(PLATFORM)
    return bool(plan and plan.checks and revision.uploads)


def take_in(revision: Revision, *, by: User | None) -> Build:
    """The finished build of a revision whose boxes nobody tests: no worker is needed."""
    now = timezone.now()
    build = Build.objects.create(
        revision=revision,
        platform=PLATFORM,
        state=BuildState.SUCCEEDED,
        started_at=now,
        finished_at=now,
        requested_by=by,
    )
    Artifact.objects.bulk_create(artifacts(build))
    return build


def artifacts(build: Build, evidence: Mapping[str, Any] = {}) -> list[Artifact]:
    """Not saved yet. The files stay where they are: what is stored never changes. `evidence`: by `tested_as`."""
    return [_artifact(build, box, evidence.get(tested_as(box), {})) for box in build.revision.uploads]


def tested_as(box: Mapping[str, Any]) -> str:
    """What results of checks call it: its format, and its architecture where that is not the usual one."""
    return "-".join(("box", box["provider"], *([] if box["architecture"] == "amd64" else [box["architecture"]])))


def file_name(revision: Revision, box: Mapping[str, Any]) -> str:
    release = revision.release
    words = [release.appliance.slug, release.version, box["provider"]]
    return "-".join([*words, *([] if box["architecture"] == "unknown" else [box["architecture"]])]) + ".box"


def _artifact(build: Build, box: Mapping[str, Any], evidence: Mapping[str, Any]) -> Artifact:
    said = {name: box[name] for name in ("url", "checksum_type", "checksum") if box[name]}
    if box["file"] and box["checksum_type"] == "sha256":
        said = {}  # it is the artifact's own
    return Artifact(
        build=build,
        format=f"box-{box['provider']}",
        architecture=box["architecture"],
        name=file_name(build.revision, box),
        file=box["file"],
        size=box["size"],
        sha256=box["sha256"],
        media_type=MEDIA_TYPES.get(box["details"].get("compression", "gzip"), "application/octet-stream"),
        details={**box["details"], **said, "default_architecture": box["default"]},
        evidence=dict(evidence),
    )
