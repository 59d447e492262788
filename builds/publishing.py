"""From images to artifacts: store, hash while storing, rows last. And back, for an attempt that takes up another."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction

from . import disks
from .engine import placing
from .engine.console import Redactor
from .engine.context import Context
from .engine.formats import FORMATS
from .engine.image import Image
from .engine.outcome import Outcome, Verdict
from .engine.plan import Plan
from .ledger import held_by, keep
from .models import Artifact, Build, CheckResult
from .text import storable

logger = logging.getLogger(__name__)

PREFIX = "artifacts"


def store(build: Build, plan: Plan, outcome: Outcome, redact: Redactor, context: Context) -> list[Artifact]:
    """Store every image that the attempt before did not; the rows are not saved yet. On any error nothing stays stored.

    Each file gets a key that nobody can guess and that is never used again.
    """
    there = set(build.resumes.artifacts.values_list("format", "region")) if build.resumes else set()
    images = [
        image for image in (*outcome.images.values(), *outcome.copies) if (image.format, image.region) not in there
    ]
    total = sum(image.path.stat().st_size for image in images if image.path)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        context.console.progress(done / total if total else 1.0)
        context.check()

    wanted = {each.name: each for each in plan.formats}
    artifacts: list[Artifact] = []
    try:
        for image in images:
            format_ = wanted.get(image.format) or FORMATS[image.format]
            artifact = Artifact(
                build=build,
                format=format_.name,
                name=f"{plan.name}{format_.suffix}",
                media_type=format_.media_type,
                reference=image.reference,
                account=image.account,
                region=image.region,
                details=storable(dict(image.details), redact),
                evidence=storable(evidence_of(image, outcome), redact),
                intermediate=image.format not in wanted,
            )
            artifact.holds = image.holds
            artifacts.append(artifact)
            if image.path:
                artifact.file = f"{PREFIX}/{build.pk}-{secrets.token_urlsafe(12)}/{artifact.name}"
                stored = default_storage.put(image.path, artifact.file, advance)
                artifact.size, artifact.sha256 = stored.size, stored.sha256
                if artifact.format == disks.FORMAT:
                    with image.path.open("rb") as file:
                        artifact.details |= disks.read(file, artifact.architecture, int(time.time()))
                context.console.write(f"{artifact.name}: {stored.size:,} bytes, sha256 {stored.sha256}\n")
    except BaseException:
        discard(artifacts)
        raise
    return artifacts


def evidence_of(image: Image, outcome: Outcome) -> dict[str, Any]:
    """What its machine showed. A copy in another region was not launched: that is the original's."""
    return {} if image in outcome.copies else dict(outcome.evidence.get(image.format, {}))


def record(build: Build, artifacts: list[Artifact], outcome: Outcome, redact: Redactor) -> None:
    """Write the rows of what was stored, after those that the build takes over. In a transaction, with its end."""
    if build.resumes:
        build.resumes.artifacts.update(build=build)
    for artifact in artifacts:
        artifact.pk = None  # it has one when the database went away in the middle of a first attempt
    Artifact.objects.bulk_create(artifacts)
    for artifact in artifacts:
        keep(artifact, artifact.holds)
    record_verdicts(build, outcome, redact)


def record_verdicts(build: Build, outcome: Outcome, redact: Redactor) -> None:
    """What the checks saw, for builds that succeeded and for those that failed by it."""
    CheckResult.objects.bulk_create(
        CheckResult(
            build=build,
            format=verdict.format,
            title=storable(verdict.title)[:200],
            passed=verdict.passed,
            seen=storable(verdict.seen, redact),
        )
        for verdict in outcome.verdicts
    )


def unfinished_attempt(build: Build, plan: Plan) -> Build | None:
    """The newest attempt at the same whose images were finished and only have to be brought where they are wanted."""
    attempts = build.revision.builds.filter(platform=build.platform).unsuccessful()
    for former in attempts.filter(artifacts__isnull=False).distinct().order_by("-pk"):
        files = dict(former.artifacts.values_list("format", "file"))
        needed = placing.sources(plan, made_by(former, plan))
        if all(name in files and default_storage.exists(files[name]) for name in needed):
            return former
    return None


def made_by(build: Build, plan: Plan) -> Outcome:
    """What it has left, as the engine knows it. The files are not on this worker: see `fetch`."""
    images: dict[str, Image] = {}
    copies: list[Image] = []
    evidence: dict[str, dict[str, Any]] = {}
    for artifact in build.artifacts.order_by("pk"):  # an image is older than its copies
        image = image_of(artifact, plan)
        if artifact.format in images:
            copies.append(image)
        else:
            images[artifact.format] = image
        if artifact.evidence:
            evidence[artifact.format] = artifact.evidence
    results = build.check_results.values_list("format", "title", "passed", "seen")
    return Outcome(images, tuple(copies), tuple(Verdict(*each) for each in results), evidence)


def image_of(artifact: Artifact, plan: Plan) -> Image:
    """As the engine knew it when it was made, but for its file."""
    return Image(
        artifact.format,
        reference=artifact.reference,
        account=artifact.account,
        region=artifact.region,
        holds=held_by(artifact),
        size=plan.size,
        details=artifact.details,
    )


def fetch(build: Build, made: Outcome, plan: Plan, context: Context) -> Outcome:
    """What the build has left, with those files on this worker that the rest is made from."""
    images = dict(made.images)
    for name in placing.sources(plan, made):
        artifact = build.artifacts.get(format=name)
        path = default_storage.local_path(artifact.file) or _download(artifact, context)
        images[name] = replace(images[name], path=path)
        context.console.write(f"{artifact.name} of {build.name}\n")
    return replace(made, images=images)


def _download(artifact: Artifact, context: Context) -> Path:
    path = context.folder(f"fetched-{artifact.format}") / artifact.name
    with default_storage.open(artifact.file) as stored, path.open("wb") as file:
        while block := stored.read(1024 * 1024):
            context.check()
            file.write(block)
            context.console.progress(file.tell() / artifact.size)
    return path


def remove(artifacts: Iterable[Artifact]) -> None:
    """Remove rows, and after the commit their files. What they own outside has no owner from then on."""
    for artifact in artifacts:
        artifact.delete()
        transaction.on_commit(partial(discard, [artifact]))


def discard(artifacts: Iterable[Artifact]) -> None:
    """Remove the files of artifacts that have no rows. What cannot be removed now, `reconcile` sweeps."""
    for artifact in artifacts:
        if artifact.file.startswith(f"{PREFIX}/"):  # what lies elsewhere is not the build's own
            try:
                default_storage.delete(artifact.file)
            except Exception as error:
                logger.warning("%s could not be removed and is swept later: %s", artifact.file, error)
