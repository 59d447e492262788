"""What should be true of images outside."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from ..moves import Moved
from ..querysets import DeliveryQuerySet
from ..states import DeliveryState, Wish
from .artifact import Artifact


class Delivery(Moved):
    """What should be true of one image in its place outside, and whether it is. The newest wish wins."""

    moved = ("state", "wanted", "channels", "wish", "attempts", "due_at", "started_at", "finished_at", "error", "hint")

    artifact = models.OneToOneField(Artifact, models.CASCADE, related_name="delivery")
    wanted = models.CharField(max_length=10, choices=Wish.choices)
    channels = models.JSONField(default=list, blank=True, help_text="Whose names point to it.")
    wish = models.PositiveIntegerField(default=1, help_text="Counts the wishes, so that one that came meanwhile shows.")
    state = models.CharField(max_length=10, choices=DeliveryState.choices, default=DeliveryState.QUEUED)
    attempts = models.PositiveIntegerField(default=0, help_text="Of the newest wish.")
    due_at = models.DateTimeField(help_text="Not before then.")
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, help_text="Why the last attempt failed.")
    hint = models.TextField(blank=True, help_text="The next thing to do.")

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["artifact__format", "artifact__region"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="delivery_state_is_known"),
        ]
        indexes = [models.Index(fields=["state", "due_at"])]

    def __str__(self) -> str:
        return f"{self.artifact.reference} {self.wanted} ({self.state})"

    @property
    def job(self) -> str:
        """Its job's id: a new one for every wish and every attempt."""
        return f"delivery-{self.pk}-{self.wish}-{self.attempts}"
