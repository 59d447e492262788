"""How it is made: the record of each build. Only `moves.py` changes a state."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from ..moves import Moved
from ..querysets import BuildQuerySet, LogChunkQuerySet, StepQuerySet
from ..states import ACTIVE, FINAL, BuildState, StepState
from .limit import Limit


class Build(Moved):
    """One attempt to make one revision on one platform."""

    moved = ("state", "started_at", "finished_at", "heartbeat_at", "worker", "error", "hint", "held_back", "calls")

    revision = models.ForeignKey("appliances.Revision", models.CASCADE, related_name="builds")
    platform = models.CharField(max_length=20)
    state = models.CharField(max_length=10, choices=BuildState.choices, default=BuildState.QUEUED)
    queued_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True, help_text="The worker that owns it was alive then.")
    worker = models.CharField(max_length=100, blank=True)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    error = models.TextField(blank=True, help_text="What happened and where.")
    hint = models.TextField(blank=True, help_text="The next thing to do.")
    facts = models.JSONField(
        default=dict, blank=True, help_text="What the engine told about the machine and the worker."
    )
    resumes = models.ForeignKey(
        "self",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="The attempt whose finished images it took over.",
    )
    limits = models.ManyToManyField(Limit, related_name="builds", blank=True, help_text="What it takes a place of.")
    layers = models.BooleanField(default=True, help_text="It may go on from layers, and keep some.")
    layer = models.ForeignKey(
        "Layer", models.SET_NULL, null=True, blank=True, related_name="builds", help_text="What it went on from."
    )
    saved = models.FloatField(
        null=True, blank=True, help_text="Seconds that going on from a layer saved; empty: it began from the base."
    )
    debug = models.DurationField(
        null=True, blank=True, help_text="How long its machine is kept for looking at when a provisioner fails."
    )
    debug_until = models.DateTimeField(null=True, blank=True, help_text="Its failed machine is there until then.")
    debug_access = models.JSONField(
        default=dict, blank=True, help_text="How that machine is reached: host, port, user, host_key, keys."
    )
    held_back = models.BooleanField(default=False, help_text="A worker left it in the queue: a limit was reached.")
    calls = models.PositiveIntegerField(default=0, help_text="How often it was held back.")

    spared: float | None = None
    """Until it is saved: the seconds that a layer will save it, where that is known."""
    objects = BuildQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "platform"],
                condition=Q(state__in=ACTIVE),
                name="one_active_build_per_revision_and_platform",
            ),
            models.CheckConstraint(condition=Q(state__in=BuildState.values), name="build_state_is_known"),
        ]
        indexes = [models.Index(fields=["state", "platform"])]

    def __str__(self) -> str:
        return f"build {self.pk} ({self.platform}, {self.state})"

    @property
    def name(self) -> str:
        """What everything outside the database calls it: its folder, its machines, what it makes."""
        return f"build-{self.pk}"

    @property
    def job(self) -> str:
        """Its job's id. A new one each time, since the queue may still be busy with forgetting the last."""
        return f"{self.name}-{self.calls}" if self.calls else self.name

    @property
    def is_active(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_final(self) -> bool:
        return self.state in FINAL

    @property
    def kept_until(self) -> datetime | None:
        """It has failed, but until then its machine is there to be looked at. None: there is none."""
        kept = self.state == BuildState.RUNNING and self.debug_until and self.debug_until > timezone.now()
        return self.debug_until if kept else None

    @property
    def has_succeeded(self) -> bool:
        return self.state == BuildState.SUCCEEDED


class Step(models.Model):
    """A part of a build with a title that was known before it started, so that progress is exact."""

    build = models.ForeignKey(Build, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=StepState.choices, default=StepState.PENDING)
    fraction = models.FloatField(default=0)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = StepQuerySet.as_manager()

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["build", "position"], name="one_step_per_build_and_position")]

    def __str__(self) -> str:
        return self.title


class LogChunk(models.Model):
    """Some lines of a build's log, secrets already removed. Append-only: written once, read live or a year later."""

    build = models.ForeignKey(Build, models.CASCADE, related_name="log")
    sequence = models.PositiveIntegerField()
    step = models.ForeignKey(Step, models.CASCADE, null=True, related_name="log")
    text = models.TextField()

    objects = LogChunkQuerySet.as_manager()

    class Meta:
        ordering = ["sequence"]
        constraints = [models.UniqueConstraint(fields=["build", "sequence"], name="one_chunk_per_build_and_sequence")]

    def __str__(self) -> str:
        return f"{self.build_id}:{self.sequence}"
