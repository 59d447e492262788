"""Who is told by e-mail, and the letters."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .appliance import Appliance
from .errand import Errand
from .event import Event
from .people import Team


class Rule(models.Model):
    """Which notices of a team somebody gets. Without a user: what its maintainers get who chose nothing else."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="rules")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="rules")
    kinds = models.JSONField(default=list, blank=True, help_text="See notices/kinds.py.")

    class Meta:
        ordering = ["team", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["team", "user"], name="one_rule_per_team_and_user"),
            models.UniqueConstraint(fields=["team"], condition=Q(user=None), name="one_rule_per_team"),
        ]

    def __str__(self) -> str:
        return f"{self.user or self.team}: {', '.join(self.kinds) or 'nothing'}"


class Subscriber(models.Model):
    """Somebody who reads the catalog and wants to hear of an appliance's new versions."""

    appliance = models.ForeignKey(Appliance, models.CASCADE, related_name="subscribers")
    address = models.EmailField()
    client = models.CharField(max_length=32, help_text="A keyed digest of where the request came from, for its limit.")
    asked_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["appliance", "address"], name="one_subscriber_per_appliance_and_address")
        ]
        indexes = [models.Index(fields=["address", "asked_at"]), models.Index(fields=["client", "asked_at"])]

    def __str__(self) -> str:
        return f"{self.address} of {self.appliance}"


class Letter(Errand):
    """An e-mail to one address: about an event, or to confirm a subscription."""

    event = models.ForeignKey(Event, models.CASCADE, null=True, blank=True, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+")
    subscriber = models.ForeignKey(Subscriber, models.CASCADE, null=True, blank=True, related_name="letters")
    address = models.EmailField()

    class Meta(Errand.Meta):
        constraints = [
            *Errand.Meta.constraints,
            models.UniqueConstraint(fields=["event", "user"], name="one_letter_per_event_and_user"),
            models.UniqueConstraint(fields=["event", "subscriber"], name="one_letter_per_event_and_subscriber"),
        ]

    def __str__(self) -> str:
        return f"letter {self.pk} to {self.address} ({self.state})"
