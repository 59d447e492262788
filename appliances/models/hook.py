"""Addresses of others that we call when something happens."""

from __future__ import annotations

import json

from django.db import models
from django.db.models import Q

from .. import secrets
from .appliance import Appliance
from .errand import Errand
from .event import Event
from .people import Team


class HookFormat(models.TextChoices):
    SLIPWAY = "slipway", "Slipway: JSON, signed"
    SLACK = "slack", "Slack, Mattermost: one line of text"


class Hook(models.Model):
    """Its address and its secret are encrypted: whoever has the address of a chat's hook can write there."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="hooks")
    appliance = models.ForeignKey(Appliance, models.CASCADE, null=True, blank=True, related_name="hooks")
    format = models.CharField(max_length=10, choices=HookFormat.choices, default=HookFormat.SLIPWAY)
    kinds = models.JSONField(default=list, help_text="What it is called for: see notices/kinds.py.")
    ciphertext = models.BinaryField(help_text="Address and secret, as JSON, encrypted.")
    shown = models.CharField(max_length=300, help_text="Of the address what people may see.")
    failures = models.PositiveIntegerField(default=0, help_text="Messages in a row that were given up.")
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="When it was switched off.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"hook to {self.shown}"

    @property
    def url(self) -> str:
        return self._opened()["url"]

    @property
    def secret(self) -> str:
        return self._opened()["secret"]

    def seal(self, url: str, secret: str) -> None:
        self.ciphertext = secrets.encrypt(json.dumps({"url": url, "secret": secret}))

    def _opened(self) -> dict[str, str]:
        """Raises WorkerError when the key is gone."""
        return json.loads(secrets.decrypt(self.ciphertext))


class HookDelivery(Errand):
    """One message to one hook, and what came of the last attempt: the log that its owners read."""

    moved = (*Errand.moved, "status", "answer", "milliseconds")

    hook = models.ForeignKey(Hook, models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=40)
    message = models.CharField(max_length=60, help_text="Its id: the same in every attempt and in a replay.")
    body = models.TextField()
    replayed = models.BooleanField(default=False, help_text="Somebody asked for it again.")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="Its first KB.")
    milliseconds = models.PositiveIntegerField(null=True, blank=True)

    class Meta(Errand.Meta):
        verbose_name_plural = "hook deliveries"
        constraints = [
            *Errand.Meta.constraints,
            models.UniqueConstraint(
                fields=["hook", "event"], condition=Q(replayed=False), name="one_message_per_hook_and_event"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.message} to {self.hook.shown} ({self.state})"
