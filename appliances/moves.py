"""How releases and revisions change their states; the mechanism is the builds' own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from builds.moves import Moves

from . import audit, statuses
from .channels import deliver
from .states import REBUILD_MOVES, RELEASE_MOVES, REVISION_MOVES, ReleaseState, RevisionState

if TYPE_CHECKING:
    from .models import Revision, User

move_release = Moves(RELEASE_MOVES)


class _RevisionMoves(Moves):
    """The forge is told how the revision of its commit stands."""

    def __call__(self, row: Revision, origin: str | tuple[str, ...], to: str, **fields: object) -> None:
        with transaction.atomic():
            super().__call__(row, origin, to, **fields)
            statuses.wish(row)


move_revision = _RevisionMoves(REVISION_MOVES)
move_rebuild = Moves(REBUILD_MOVES)


def put_up(
    revision: Revision, *, by: User | None = None, name: str = "published", text: str = "", note: str = ""
) -> None:
    """Make it what the catalog shows for its release: one step for all its artifacts. The former can come back.

    Raises Lost when the revision is not ready, rejected or superseded any more.
    """
    now = timezone.now()
    with transaction.atomic():
        release = type(revision.release).objects.select_for_update().get(pk=revision.release_id)
        for former in release.revisions.filter(state=RevisionState.PUBLISHED).exclude(pk=revision.pk):
            move_revision(former, RevisionState.PUBLISHED, RevisionState.SUPERSEDED)
        move_revision(
            revision,
            (RevisionState.READY, RevisionState.REJECTED, RevisionState.SUPERSEDED),
            RevisionState.PUBLISHED,
            published_at=revision.published_at or now,
        )
        for older in release.revisions.filter(state=RevisionState.READY, number__lt=revision.number):
            move_revision(older, RevisionState.READY, RevisionState.SUPERSEDED)
        if release.state == ReleaseState.DRAFT:
            move_release(release, ReleaseState.DRAFT, ReleaseState.PUBLISHED, published_at=now)
        audit.record(revision, name, text, by=by, note=note)
        deliver(release.appliance)
        revision.edition = release.appliance.edition
        type(revision).objects.filter(pk=revision.pk).update(edition=revision.edition)
    revision.release = release
