"""Repairs what a killed process left half-done: between builds and their revisions, and in telling people."""

from __future__ import annotations

from django.utils import timezone

from .archives import sweep_archives
from .models import Revision
from .notices import telling


def run() -> list[str]:
    """One round, safe on many machines at once; returns a sentence for each thing that was repaired."""
    settled = []
    for revision in Revision.objects.unsettled():
        revision.settle()
        settled.append(f"{revision}: its builds had ended, it is {revision.state} now")
    return [*settled, *telling.reconcile(timezone.now()), *sweep_archives()]
