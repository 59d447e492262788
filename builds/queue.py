"""Asking for builds: rows first, the queue after commit. Rows are the truth; the queue wakes a worker."""

from __future__ import annotations

from collections.abc import Iterable

from .models import Build


def queue_builds(revision, platforms: Iterable[str], *, by) -> list[Build]:
    """A queued build for each platform of a new revision."""
    raise NotImplementedError


def cancel(build: Build, *, by, reason: str = "") -> None:
    """Stop a build: at once when it waits, else its worker cleans up first. Does nothing when it has ended."""
    raise NotImplementedError


def retry(build: Build, *, by) -> Build:
    """Try a failed or cancelled build again. Twice is once: returns the build that is active by then."""
    raise NotImplementedError


def carry_over(former, revision, *, except_for: str) -> set[str]:
    """Give `revision` the finished builds of `former`, except one platform's; returns the names of those platforms."""
    raise NotImplementedError
