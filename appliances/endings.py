"""What the audit log says when all builds of a revision have ended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from builds.states import BuildState

from . import audit

if TYPE_CHECKING:
    from builds.models import Build

    from .models import Revision

ENDS = ("failed", "recovered", "ready", "waiting", "published")


def record_failure(revision: Revision, lacking: Sequence[str], builds: Sequence[Build]) -> None:
    """Those platforms have no images. What somebody cancelled has not failed."""
    failed = [build for build in builds if build.state == BuildState.FAILED]
    platforms = [build.platform for build in failed] or lacking
    cancelled = not failed and any(build.state == BuildState.CANCELLED for build in builds)
    name = "cancelled" if cancelled else "failed"
    why = next(((build.error, build.hint) for build in failed if build.error), ())
    audit.record(revision, name, f"{name} on {', '.join(platforms)}", by=None, note="\n".join(filter(None, why)))


def record_recovery(revision: Revision) -> None:
    """If the last that came of the release was a failure: the images are there again."""
    last = revision.release.events.filter(name__in=ENDS).first()
    if last and last.name == "failed":
        audit.record(revision, "recovered", "passed again", by=None)
