"""The states of releases and revisions, and the moves that are allowed.

Revision: BUILDING -> READY -> PUBLISHED <-> SUPERSEDED        Release: DRAFT -> PUBLISHED <-> WITHDRAWN
              |        `-> REJECTED -> PUBLISHED (on second thoughts)
             `----> FAILED -> BUILDING (retry)                  Rebuild: WAITING -> STARTED | CANCELLED | REFUSED
"""

from django.db import models


class ReleaseState(models.TextChoices):
    DRAFT = "draft"  # people edit it; nothing of it is public
    PUBLISHED = "published"  # on the catalog; a change makes a new revision
    WITHDRAWN = "withdrawn"  # its page stays, with the reason; its files are gone from every index


class RevisionState(models.TextChoices):
    BUILDING = "building"  # its builds are queued or running
    READY = "ready"  # every build succeeded; waits for publication
    FAILED = "failed"  # a build failed or was cancelled; the others' artifacts are kept
    REJECTED = "rejected"  # a maintainer decided against it; its images are kept
    PUBLISHED = "published"  # what the catalog shows for its release; at most one per release
    SUPERSEDED = "superseded"  # a newer revision took its place; can be rolled back to


class Cause(models.TextChoices):
    """Why there is a revision."""

    CHANGE = "change"  # somebody changed the release
    REBUILD = "rebuild"  # somebody wanted the same again
    PUSH = "push"  # to the repository that the appliance follows
    BASE = "base"  # what its machines start from is another one now
    PARENT = "parent"  # the appliance that it starts from was published
    SCHEDULE = "schedule"  # it was time


# Such a rebuild is there to take in what has changed outside: unless somebody wants them, it uses no layers.
FROM_OUTSIDE = (Cause.BASE, Cause.PARENT, Cause.SCHEDULE)


class RebuildPolicy(models.TextChoices):
    """What happens when something that a published release is built from has changed."""

    IMMEDIATELY = "immediately", "rebuild at once"
    NIGHTLY = "nightly", "rebuild in the next night"
    BY_HAND = "by-hand", "only tell: a person rebuilds"


class RebuildState(models.TextChoices):
    WAITING = "waiting"  # for its turn: only so many an hour are started
    STARTED = "started"  # a revision is being built, or was
    CANCELLED = "cancelled"  # somebody did not want it any more
    REFUSED = "refused"  # it could not be done; `error` explains


class Visibility(models.TextChoices):
    """Who finds an appliance on the catalog once it is published."""

    PUBLIC = "public", "everybody"
    UNLISTED = "unlisted", "whoever knows its address"
    TEAM = "team", "the team, and whoever has one of its tokens"


class Outcome(models.TextChoices):
    """What came of a schedule's last run."""

    NONE = "none", "not run yet"
    UNDER_WAY = "under-way", "under way"
    SUCCEEDED = "succeeded", "succeeded"
    FAILED = "failed", "failed"
    SKIPPED = "skipped", "nothing was to be done"


REBUILD_MOVES = {
    RebuildState.WAITING: (RebuildState.STARTED, RebuildState.CANCELLED, RebuildState.REFUSED),
    RebuildState.STARTED: (),
    RebuildState.CANCELLED: (),
    RebuildState.REFUSED: (),
}

RELEASE_MOVES = {
    ReleaseState.DRAFT: (ReleaseState.PUBLISHED,),
    ReleaseState.PUBLISHED: (ReleaseState.WITHDRAWN,),
    ReleaseState.WITHDRAWN: (ReleaseState.PUBLISHED,),
}

REVISION_MOVES = {
    RevisionState.BUILDING: (RevisionState.READY, RevisionState.FAILED, RevisionState.SUPERSEDED),
    RevisionState.READY: (RevisionState.PUBLISHED, RevisionState.REJECTED, RevisionState.SUPERSEDED),
    RevisionState.REJECTED: (RevisionState.PUBLISHED,),
    RevisionState.FAILED: (RevisionState.BUILDING, RevisionState.SUPERSEDED),
    RevisionState.PUBLISHED: (RevisionState.SUPERSEDED,),
    RevisionState.SUPERSEDED: (RevisionState.PUBLISHED,),
}
