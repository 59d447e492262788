"""The states of builds, their groups, and the moves that are allowed. Data only; `moves.py` makes them.

Build:    QUEUED -> RUNNING -> SUCCEEDED | FAILED                  Delivery: QUEUED <-> RUNNING -> DONE | FAILED
             |         `----> CANCELLING -> CANCELLED                           ^-------------------------'
             `-------------------------------^
"""

from django.db import models


class BuildState(models.TextChoices):
    QUEUED = "queued"  # a row exists; a worker will take it
    RUNNING = "running"  # one worker owns it and sends heartbeats
    CANCELLING = "cancelling"  # somebody asked it to stop; the worker is cleaning up
    SUCCEEDED = "succeeded"  # every image was made, tested and stored
    FAILED = "failed"  # it ended for a reason that `error` and `hint` explain
    CANCELLED = "cancelled"  # it was stopped, or a newer revision superseded it


ACTIVE = (BuildState.QUEUED, BuildState.RUNNING, BuildState.CANCELLING)
OWNED = (BuildState.RUNNING, BuildState.CANCELLING)
FINAL = (BuildState.SUCCEEDED, BuildState.FAILED, BuildState.CANCELLED)

MOVES = {
    BuildState.QUEUED: (BuildState.RUNNING, BuildState.CANCELLED, BuildState.FAILED),
    BuildState.RUNNING: (BuildState.CANCELLING, BuildState.SUCCEEDED, BuildState.FAILED),
    BuildState.CANCELLING: (BuildState.CANCELLED, BuildState.FAILED),
    BuildState.SUCCEEDED: (),
    BuildState.FAILED: (),
    BuildState.CANCELLED: (),
}


class Wish(models.TextChoices):
    """What should be true of an image in its place outside."""

    PUBLISHED = "published"  # whoever may have it can; the channels' names point to it
    WITHDRAWN = "withdrawn"  # nobody but its team can have it


class DeliveryState(models.TextChoices):
    QUEUED = "queued"  # a worker will take it, when it is due
    RUNNING = "running"  # one worker is at it
    DONE = "done"  # outside it is as wished
    FAILED = "failed"  # it was tried often enough; `error` and `hint` explain


DELIVERY_MOVES = {
    DeliveryState.QUEUED: (DeliveryState.QUEUED, DeliveryState.RUNNING),
    DeliveryState.RUNNING: (DeliveryState.DONE, DeliveryState.FAILED, DeliveryState.QUEUED),
    DeliveryState.DONE: (DeliveryState.QUEUED,),
    DeliveryState.FAILED: (DeliveryState.QUEUED,),
}


class StepState(models.TextChoices):
    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    REUSED = "reused"  # it was not run: a layer holds what it does
