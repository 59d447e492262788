"""Names that point to a release, for whoever does not want to choose a version."""

from __future__ import annotations

import re

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse

from .. import words
from .appliance import Appliance
from .release import Release

channel_pattern = RegexValidator(
    r"^[a-z][a-z0-9-]{0,19}\Z", "Use small letters, digits and dashes, starting with a letter: stable, lts-2."
)
REVISION = re.compile(r"r[0-9]+\Z")


def channel_validator(name: str) -> None:
    """It stands in addresses, beside words with a meaning of their own."""
    channel_pattern(name)
    if name in words.CHANNELS or REVISION.match(name):
        raise ValidationError(f"“{name}” means something else in addresses: choose another name.")


class Channel(models.Model):
    """What it points to follows from what is published, unless somebody promoted a release to it: see `channels.py`."""

    appliance = models.ForeignKey(Appliance, models.CASCADE, related_name="channels")
    name = models.CharField(max_length=20, validators=[channel_pattern])
    release = models.ForeignKey(
        Release, models.SET_NULL, null=True, blank=True, related_name="channels", help_text="What it points to now."
    )
    pinned = models.ForeignKey(
        Release,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="What was promoted to it: it points there while that is published.",
    )

    class Meta:
        ordering = ["-name"]  # stable before beta
        constraints = [models.UniqueConstraint(fields=["appliance", "name"], name="one_channel_per_appliance_and_name")]

    def __str__(self) -> str:
        return f"{self.appliance} {self.name}"

    def get_absolute_url(self) -> str:
        """On the catalog: it leads to the version that the channel points to."""
        return reverse("catalog:channel", args=[self.appliance.team.slug, self.appliance.slug, self.name])
