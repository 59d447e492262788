"""The audit log: what was done, by whom, and what happened by itself. Rows are only added; `untold` is our own note."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .appliance import Appliance
from .people import Team
from .release import Release, Revision


class Event(models.Model):
    """Something that people may ask about later. `audit.record()` writes it, `notices` tell it."""

    name = models.SlugField(max_length=40, help_text="What happened, in one word: published.")
    text = models.CharField(
        max_length=300, help_text="A verb in the past, with what belongs to it: rolled back from r3."
    )
    note = models.TextField(blank=True, help_text="What the person wrote: a reason, an approval.")
    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="events")
    appliance = models.ForeignKey(Appliance, models.CASCADE, null=True, blank=True, related_name="events")
    release = models.ForeignKey(Release, models.CASCADE, null=True, blank=True, related_name="events")
    revision = models.ForeignKey(Revision, models.CASCADE, null=True, blank=True, related_name="events")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    via = models.CharField(max_length=100, blank=True, help_text="What acted for them or by itself: token ci, push.")
    at = models.DateTimeField(auto_now_add=True)
    untold = models.BooleanField(default=False, help_text="Whoever wants to hear of it has not been told yet.")

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["id"], condition=Q(untold=True), name="untold_events")]

    def __str__(self) -> str:
        return f"{self.revision or self.release or self.appliance or self.team or 'This site'}: {self.text}"
