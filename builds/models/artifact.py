"""What builds made, and what checks saw of it."""

from __future__ import annotations

from django.db import models

from ..querysets import ArtifactQuerySet
from .build import Build


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
