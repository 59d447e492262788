"""Repairs what a killed process left half-done: between builds and their revisions, and in telling people."""

from __future__ import annotations

from django.utils import timezone

from builds import disks

from . import editions, following, signing, statuses, uploads
from .archives import sweep_archives
from .causes import reconcile as causes
from .models import Answer, Revision
from .notices import telling


def run() -> list[str]:
    """One round, safe on many machines at once; returns a sentence for each thing that was repaired."""
    settled = []
    for revision in Revision.objects.unsettled():
        revision.settle()
        settled.append(f"{revision}: its builds had ended, it is {revision.state} now")
    return [
        *settled,
        *sweep_archives(),
        *uploads.sweep(),
        *_forget_answers(),
        *_read_disks(),
        *following.reconcile(),
        *causes.run(),
        *statuses.reconcile(),
        *signing.reconcile(),
        *telling.reconcile(timezone.now()),
    ]


def _forget_answers() -> list[str]:
    """Of requests to the API that nobody may repeat any more."""
    count = Answer.sweep()
    return [f"{count} answers of the API: forgotten, they were old"] if count else []


def _read_disks() -> list[str]:
    """One a round: it is read from its first byte to its last."""
    artifact = disks.lacking().select_related("build__revision__release__appliance__team").order_by("-pk").first()
    if artifact is None:
        return []
    disks.complete(artifact)
    editions.advance(artifact.build.revision.release.appliance)
    return [f"{artifact}: indexes now tell what they need of it"]
