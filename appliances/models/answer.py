"""What the API has answered, so that a request that is sent twice is done once."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone

from .token import Token

KEPT = timedelta(hours=24)
ABANDONED = timedelta(minutes=5)
"""Who has not answered by then was killed: another may take its place."""


class Answer(models.Model):
    """One answer to a request with an `Idempotency-Key`; a row without a status is still being worked at."""

    token = models.ForeignKey(Token, models.CASCADE, related_name="answers")
    key = models.CharField(max_length=255)
    request = models.CharField(max_length=64, help_text="SHA-256 of what was asked, in hex.")
    status = models.PositiveSmallIntegerField(null=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    started_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="one_answer_per_token_and_key")]

    def __str__(self) -> str:
        return f"{self.key} of {self.token}"

    @classmethod
    def sweep(cls) -> int:
        """Forget those that nobody may ask for again; returns how many."""
        return cls.objects.filter(started_at__lt=timezone.now() - KEPT).delete()[0]
