"""Rebuilds that wait for their turn, and what came of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from builds.moves import Moved

from ..querysets import RebuildQuerySet
from ..states import Cause, RebuildState
from .release import Release, Revision
from .schedule import Schedule


class Rebuild(Moved):
    """A published release should be built again: at once, or as soon as the limit per hour allows."""

    moved = ("state", "started_at", "revision", "error")

    release = models.ForeignKey(Release, models.CASCADE, related_name="rebuilds")
    state = models.CharField(max_length=10, choices=RebuildState.choices, default=RebuildState.WAITING)
    cause = models.CharField(max_length=10, choices=Cause.choices, default=Cause.REBUILD)
    because = models.CharField(max_length=250, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    via = models.CharField(max_length=100, blank=True)
    layers = models.BooleanField(default=True, help_text="Its builds may go on from layers.")
    schedule = models.ForeignKey(Schedule, models.SET_NULL, null=True, blank=True, related_name="rebuilds")
    revision = models.ForeignKey(Revision, models.SET_NULL, null=True, blank=True, related_name="rebuilds")
    error = models.TextField(blank=True, help_text="Why it was refused.")
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True, blank=True)

    objects = RebuildQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["release"], condition=Q(state=RebuildState.WAITING), name="one_waiting_rebuild_per_release"
            ),
            models.CheckConstraint(condition=Q(state__in=RebuildState.values), name="rebuild_state_is_known"),
            models.CheckConstraint(condition=Q(cause__in=Cause.values), name="rebuild_cause_is_known"),
        ]
        indexes = [models.Index(fields=["state", "started_at"])]

    def __str__(self) -> str:
        return f"rebuild of {self.release} ({self.state})"
