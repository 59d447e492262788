"""Repairs what a killed process left half-done between builds and their revisions."""

from __future__ import annotations

from . import following, statuses
from .archives import sweep_archives
from .models import Revision


def run() -> list[str]:
    """One round, safe on many machines at once; returns a sentence for each thing that was repaired."""
    settled = []
    for revision in Revision.objects.unsettled():
        revision.settle()
        settled.append(f"{revision}: its builds had ended, it is {revision.state} now")
    return [*settled, *following.reconcile(), *statuses.reconcile(), *sweep_archives()]
