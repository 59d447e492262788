"""From images to artifacts: store, hash while storing, rows last."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterable
from typing import Any

from django.core.files.storage import default_storage

from .engine.console import Redactor
from .engine.context import Context
from .engine.image import Image
from .engine.outcome import Outcome
from .engine.plan import Plan
from .models import Artifact, Build, CheckResult
from .text import storable

logger = logging.getLogger(__name__)

PREFIX = "artifacts"


def store(build: Build, plan: Plan, outcome: Outcome, redact: Redactor, context: Context) -> list[Artifact]:
    """Store every image; the rows are not saved yet. On any error nothing stays stored.

    Each file gets a key that nobody can guess and that is never used again.
    """
    images = [*outcome.images.values(), *outcome.copies]
    total = sum(image.path.stat().st_size for image in images if image.path)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        context.console.progress(done / total if total else 1.0)
        context.check()

    formats = {each.name: each for each in plan.formats}
    artifacts: list[Artifact] = []
    try:
        for image in images:
            format_ = formats[image.format]
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
            )
            artifact.holds = image.holds
            if image.path:
                artifact.file = f"{PREFIX}/{build.pk}-{secrets.token_urlsafe(12)}/{artifact.name}"
                artifacts.append(artifact)
                stored = default_storage.put(image.path, artifact.file, advance)
                artifact.size, artifact.sha256 = stored.size, stored.sha256
                context.console.write(f"{artifact.name}: {stored.size:,} bytes, sha256 {stored.sha256}\n")
            else:
                artifacts.append(artifact)
    except BaseException:
        discard(artifacts)
        raise
    return artifacts


def evidence_of(image: Image, outcome: Outcome) -> dict[str, Any]:
    """What its machine showed. A copy in another region was not launched: that is the original's."""
    return {} if image in outcome.copies else dict(outcome.evidence.get(image.format, {}))


def discard(artifacts: Iterable[Artifact]) -> None:
    """Remove the files of artifacts that will not get rows. What cannot be removed now, `reconcile` sweeps."""
    for artifact in artifacts:
        if artifact.file:
            try:
                default_storage.delete(artifact.file)
            except Exception as error:
                logger.warning("%s could not be removed and is swept later: %s", artifact.file, error)


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
