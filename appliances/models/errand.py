"""What goes out of the house after something happened: tried again while it fails, given up in the end."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q

from builds.moves import Moved
from builds.states import DeliveryState


class ErrandQuerySet(models.QuerySet):
    def due(self, now: datetime):
        return self.filter(state=DeliveryState.QUEUED, due_at__lte=now)

    def running_since(self, moment: datetime):
        """Begun before then, and not ended."""
        return self.filter(state=DeliveryState.RUNNING, started_at__lt=moment)

    def under_way(self):
        return self.filter(state__in=(DeliveryState.QUEUED, DeliveryState.RUNNING))

    def given_up(self):
        return self.filter(state=DeliveryState.FAILED)

    def ended_before(self, moment: datetime):
        return self.filter(state__in=(DeliveryState.DONE, DeliveryState.FAILED), finished_at__lt=moment)


class Errand(Moved):
    """One letter, one call of a hook. `errands.py` has what all of them do."""

    moved = ("state", "attempts", "due_at", "started_at", "finished_at", "error")

    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField(help_text="Not before then.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="Why the last attempt failed.")

    objects = ErrandQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-pk"]
        indexes = [models.Index(fields=["state", "due_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="%(class)s_state_known")
        ]
