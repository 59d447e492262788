"""How it is made: the record of each build. Only `moves.py` changes a state."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from .moves import Moved
from .querysets import (
    ArtifactQuerySet,
    BuildQuerySet,
    DeliveryQuerySet,
    LimitQuerySet,
    LogChunkQuerySet,
    ResourceQuerySet,
    StepQuerySet,
)
from .states import ACTIVE, FINAL, BuildState, DeliveryState, StepState, Wish


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
    held_back = models.BooleanField(default=False, help_text="A worker left it in the queue: a limit was reached.")
    calls = models.PositiveIntegerField(default=0, help_text="How often it was held back.")

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


class Artifact(models.Model):
    """An image that was stored and hashed. The row is written last: where there is a row, there is a whole file.

    An unsuccessful build has some when its images were finished, but are not everywhere where they are wanted: the
    next attempt takes them over.
    """

    build = models.ForeignKey(Build, models.CASCADE, related_name="artifacts")
    format = models.CharField(max_length=30)
    file = models.CharField(max_length=300, blank=True, help_text="Storage key; empty for a cloud reference.")
    name = models.CharField(max_length=200, help_text="What the downloaded file is called.")
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    sha256 = models.CharField(max_length=64, blank=True)
    reference = models.CharField(max_length=200, blank=True, help_text="What its place calls it: ami-0123….")
    account = models.CharField(max_length=50, blank=True, help_text="The team's account that the reference is in.")
    region = models.CharField(max_length=100, blank=True, help_text="AWS region, or vCenter's datacenter.")
    architecture = models.CharField(max_length=16, default="amd64", help_text="As Vagrant calls it: amd64, arm64.")
    details = models.JSONField(default=dict, blank=True)
    evidence = models.JSONField(
        default=dict, blank=True, help_text="boot_seconds, ports, console, packages (name: version)."
    )
    intermediate = models.BooleanField(
        default=False, help_text="Nobody asked for it: it is kept until what is made of it has come to be."
    )
    downloads = models.PositiveIntegerField(default=0)
    members = models.JSONField(
        default=list, blank=True, help_text="Of an OVA: [name, first byte, bytes] of each file in it, once looked up."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    holds: tuple[str, ...] = ()
    """Until it is saved: the references in the ledger that it will own."""
    objects = ArtifactQuerySet.as_manager()

    class Meta:
        ordering = ["format", "region"]
        constraints = [
            models.UniqueConstraint(
                fields=["build", "format", "architecture", "region"],
                name="one_artifact_per_build_format_architecture_and_region",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Resource(models.Model):
    """The ledger: what a build made, or was about to make, outside of its worker. Written before it is created.

    It may exist as long as its build is active or an artifact holds it; else `reconcile` removes it.
    """

    build = models.ForeignKey(Build, models.SET_NULL, null=True, related_name="resources")
    artifact = models.ForeignKey(Artifact, models.SET_NULL, null=True, blank=True, related_name="resources")
    account = models.ForeignKey("appliances.Account", models.PROTECT, related_name="resources")
    place = models.CharField(max_length=100, help_text="AWS region, or vCenter's datacenter.")
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    reference = models.CharField(max_length=200, blank=True, help_text="Empty: not known, perhaps never created.")
    error = models.TextField(blank=True, help_text="Why it could not be removed.")
    created_at = models.DateTimeField(auto_now_add=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    objects = ResourceQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["gone_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference or self.name} in {self.place}"

    @property
    def build_name(self) -> str:
        return self.build.name if self.build else "an unknown build"


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


class CheckResult(models.Model):
    """What one check saw on a machine launched from one finished image; kept for failed builds too."""

    build = models.ForeignKey(Build, models.CASCADE, related_name="check_results")
    format = models.CharField(max_length=30)
    title = models.CharField(max_length=200)
    passed = models.BooleanField()
    seen = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.title} on {self.format}: {'passed' if self.passed else 'failed'}"
