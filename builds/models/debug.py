"""What was done with failed machines."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .build import Build


class DebugCommand(models.Model):
    """A line that somebody had run in the failed machine of a build."""

    build = models.ForeignKey(Build, models.CASCADE, related_name="debug_commands")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    text = models.TextField()
    output = models.TextField(blank=True, help_text="Secrets removed, at most the last 64 KiB.")
    exit_code = models.SmallIntegerField(null=True, blank=True, help_text="Empty: it has not ended.")
    asked_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text
