"""Boxes that were made elsewhere, as a revision has frozen them: how they become the artifacts of a build."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.core.files.storage import default_storage
from django.utils import timezone

from . import plans
from .engine import pipeline
from .engine.context import Context
from .engine.errors import BuildError
from .engine.image import Image
from .engine.outcome import ChecksFailed, Outcome
from .engine.plan import Plan
from .engine.platforms.upload.platform import Upload
from .models import Artifact, Build
from .states import BuildState
from .storage import BLOCK
from .text import storable

if TYPE_CHECKING:
    from appliances.models import Revision, User

PLATFORM = Upload.name
PREFIX = "uploads"
FETCH = "Fetch the boxes"
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


def test(build: Build, plan: Plan, context: Context, made: list[Artifact]) -> Outcome:
    """Launch each box that QEMU can boot and look at it; `made` gets the rows of all of them, not saved yet.

    Raises ChecksFailed as `pipeline.build` does.
    """
    revision = build.revision
    images = {}
    with context.step(FETCH) as step:
        for box in revision.uploads:
            name = plans.tested_as(box)
            if why := plans.untested(box):
                step.console.write(f"{name} is not tested: {why}\n")
            else:
                images[name] = Image(name, path=_fetch(box["file"], step), size=plan.size)
                step.console.write(f"{name}: {box['size']:,} bytes\n")
    try:
        outcome = pipeline.resume(plan, Outcome(images), context)
    except ChecksFailed as failed:
        failed.hint = "Mend the box and upload it again, or the check if it asks for the wrong thing; then release it."
        raise
    made += artifacts(build, outcome.evidence)
    return replace(outcome, images={}, evidence={})


def artifacts(build: Build, evidence: Mapping[str, Any] = {}) -> list[Artifact]:
    """Not saved yet. The files stay where they are: what is stored never changes."""
    return [_artifact(build, box, evidence.get(plans.tested_as(box), {})) for box in build.revision.uploads]


def _fetch(key: str, context: Context) -> Path:
    """The stored file itself where it is on this machine, else a copy."""
    if not default_storage.exists(key):
        raise BuildError(f"The box {key.rpartition('/')[2]} is gone from the storage.", hint="Upload it again.")
    if path := default_storage.local_path(key):
        return path
    path = context.folder(f"fetched-{key.split('/')[1]}") / "box"
    with closing(default_storage.stream(key)) as stored, path.open("wb") as file:
        while block := stored.read(BLOCK):
            context.check()
            file.write(block)
    return path


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
        evidence=storable(dict(evidence)),
    )
