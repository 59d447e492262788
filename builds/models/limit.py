"""How many builds may be at work at once."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from ..querysets import LimitQuerySet


class Limit(models.Model):
    """How many builds may be at work at once in an account, or in one region of it."""

    account = models.ForeignKey("appliances.Account", models.CASCADE, related_name="limits")
    region = models.CharField(max_length=100, blank=True, help_text="Empty: in all regions together.")
    at_once = models.PositiveIntegerField(null=True, blank=True, help_text="Empty: what the settings say.")

    busy: int
    """How many are at work: see `LimitQuerySet.with_busy`."""
    objects = LimitQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["account", "region"], name="one_limit_per_account_and_region")]

    def __str__(self) -> str:
        return f"{self.region} of account {self.account.name}" if self.region else f"account {self.account.name}"

    @property
    def number(self) -> int:
        if self.at_once is not None:
            return self.at_once
        return settings.BUILDS_PER_REGION if self.region else settings.BUILDS_PER_ACCOUNT
