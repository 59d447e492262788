"""When an appliance is rebuilt by the clock."""

from __future__ import annotations

from datetime import datetime
from itertools import islice

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

from .. import clock
from ..states import Outcome
from .appliance import Appliance


class Schedule(models.Model):
    """Rebuilds what an appliance has published, at the times of a cron expression. Stops when it keeps failing."""

    appliance = models.ForeignKey(Appliance, models.CASCADE, related_name="schedules")
    cron = models.CharField(
        "when",
        max_length=100,
        help_text="Minute, hour, day, month and weekday, as for cron: 0 3 * * MON is Mondays at 3:00.",
    )
    zone = models.CharField("time zone", max_length=60, help_text="By its IANA name: Europe/Berlin.")
    on = models.BooleanField(default=True)
    next_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, choices=Outcome.choices, default=Outcome.NONE)
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    stops_after = models.PositiveSmallIntegerField(
        "stop after", default=3, help_text="Failures in a row; 0 never stops it."
    )
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["appliance", "cron", "zone"], name="one_schedule_per_appliance_and_time")
        ]
        indexes = [models.Index(fields=["on", "next_at"])]

    def __str__(self) -> str:
        return f"{self.cron} {self.zone}"

    def clean(self) -> None:
        problems = {}
        self.cron = " ".join(self.cron.upper().split())
        for field, problem in clock.problems(self.cron, self.zone).items():
            problems[field] = ValidationError(problem)
        if problems:
            raise ValidationError(problems)

    @property
    def in_words(self) -> str:
        return clock.in_words(self.cron)

    def following(self, after: datetime, count: int = 3) -> list[datetime]:
        """The next times, in its own zone."""
        return list(islice(clock.times(self.cron, self.zone, after), count))
