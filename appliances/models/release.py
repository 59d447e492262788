"""A version of a product, and what its images are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import Q

from builds.moves import Lost, Moved

from .. import audit
from ..endings import record_failure, record_recovery
from ..moves import move_revision, put_up
from ..querysets import ReleaseQuerySet, RevisionQuerySet
from ..states import Cause, ReleaseState, RevisionState
from .appliance import Appliance

if TYPE_CHECKING:
    from builds.engine.source import Access
    from builds.models import Build

    from .people import User

# What Vagrant's Ruby clients can parse: one bad version would make a whole catalog unreadable.
version_validator = RegexValidator(
    r"^[0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\Z",
    "Use digits and dots, then an optional pre-release: 1.4.0, 20261122.1 or 2.0.0-rc1; no leading v, no +build.",
)


class SourceKind(models.TextChoices):
    INLINE = "inline", "in the template"
    ARCHIVE = "archive", "an uploaded archive"
    GIT = "git", "a git repository"


class Release(Moved):
    """One version of an appliance. People edit it; `releases.revise()` freezes what they wrote."""

    moved = ("state", "published_at", "withdrawn_reason")

    appliance = models.ForeignKey(Appliance, models.CASCADE, related_name="releases")
    version = models.CharField(max_length=64, validators=[version_validator])
    state = models.CharField(max_length=10, choices=ReleaseState.choices, default=ReleaseState.DRAFT)
    notes = models.TextField(blank=True, help_text="Markdown: what is new.")
    template = models.TextField(help_text="appliance.yaml")
    values = models.JSONField(default=dict, blank=True, help_text="Values of the template's variables, by name.")
    source_kind = models.CharField(max_length=10, choices=SourceKind.choices, default=SourceKind.INLINE)
    archive = models.CharField(max_length=200, blank=True, help_text="Storage key of the uploaded archive.")
    git_url = models.CharField(max_length=300, blank=True)
    git_ref = models.CharField(max_length=200, blank=True, help_text="Commit, tag or branch; frozen to a commit.")
    withdrawn_reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True, help_text="When it first appeared on the catalog.")

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["appliance", "version"], name="one_release_per_appliance_and_version"),
            models.CheckConstraint(condition=Q(state__in=ReleaseState.values), name="release_state_is_known"),
            # Whatever makes a release, a script or a push: Vagrant could read no version of the appliance any more.
            models.CheckConstraint(
                condition=Q(version__regex=version_validator.regex.pattern), name="release_version_is_one_for_ruby"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.appliance} {self.version}"

    def wants(self, revision: Revision) -> bool:
        """May a finished revision go up by itself? Not when withdrawn, nor in the place of a newer one."""
        newer = self.revisions.filter(number__gt=revision.number, published_at__isnull=False)
        return self.state != ReleaseState.WITHDRAWN and not newer.exists()


class Revision(Moved):
    """The frozen inputs of a release. The same inputs (`digest`) make no second one."""

    moved = ("state", "published_at")

    release = models.ForeignKey(Release, models.CASCADE, related_name="revisions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=RevisionState.choices, default=RevisionState.BUILDING)
    template = models.TextField()
    source_kind = models.CharField(max_length=10, choices=SourceKind.choices, default=SourceKind.INLINE)
    archive = models.CharField(max_length=200, blank=True)
    git_url = models.CharField(max_length=300, blank=True)
    git_commit = models.CharField(max_length=64, blank=True)
    values = models.JSONField(default=dict, blank=True, help_text="Of the variables that have not their defaults.")
    digest = models.CharField(max_length=64, help_text="SHA-256 of all of the above, in hex.")
    origins = models.JSONField(default=dict, blank=True, help_text="Where each value is from: release, team, …")
    extends = models.JSONField(default=list, blank=True, help_text="What lay under its template, nearest first.")
    platforms = models.JSONField(default=list, help_text="Names of the platforms that its template asks for.")
    uploads = models.JSONField(default=list, blank=True, help_text="The boxes made elsewhere that it takes in.")
    publish_when_ready = models.BooleanField(
        default=False, help_text="Somebody has said so already, whatever its appliance does by itself."
    )
    cause = models.CharField(max_length=10, choices=Cause.choices, default=Cause.CHANGE)
    because = models.CharField(max_length=300, blank=True, help_text="What caused it: debian:12 changed.")
    commit_author = models.CharField(max_length=200, blank=True)
    commit_subject = models.CharField(max_length=300, blank=True, help_text="The first line of its message.")
    commit_url = models.CharField(max_length=500, blank=True, help_text="Its page at the forge.")
    diff_url = models.CharField(max_length=500, blank=True, help_text="What changed since the revision before.")
    error = models.TextField(blank=True, help_text="Why it was never built.")
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, help_text="When it was first published.")

    builds: models.Manager[Build]
    objects = RevisionQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["release", "number"], name="one_revision_per_release_and_number"),
            models.UniqueConstraint(
                fields=["release"],
                condition=Q(state=RevisionState.PUBLISHED),
                name="one_published_revision_per_release",
            ),
            models.CheckConstraint(condition=Q(state__in=RevisionState.values), name="revision_state_is_known"),
            models.CheckConstraint(condition=Q(cause__in=Cause.values), name="revision_cause_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.release} r{self.number}"

    @property
    def access(self) -> Access:
        """With what its files are fetched: the followed repository's with the credentials for it."""
        return self.release.appliance.access(self.git_url)

    def settle(self) -> None:
        """Draw the conclusion when a build of it has ended. Nothing happens while one is active, or the second time.

        Every platform succeeded: READY, and published at once when the appliance says so and nothing newer is up.
        """
        with transaction.atomic():
            self.refresh_from_db()  # its release may have been withdrawn since
            newest = list(self.builds.newest_per_platform())
            if any(build.is_active for build in newest):
                return
            lacking = sorted(set(self.platforms) - {build.platform for build in newest if build.has_succeeded})
            complete = not lacking
            try:
                move_revision(self, RevisionState.BUILDING, RevisionState.READY if complete else RevisionState.FAILED)
            except Lost:
                return  # superseded, or another build's end was here first
            if not complete:
                record_failure(self, lacking, newest)
                return
            record_recovery(self)
            if not self.release.wants(self):
                audit.record(self, "ready", by=None)
            elif self.publish_when_ready:
                put_up(self, by=self.created_by)
            elif self.release.appliance.publish_automatically:
                put_up(self)
            else:
                audit.record(self, "waiting", "waits for approval", by=None)

    def resume(self) -> None:
        """A build of it is tried again. Raises Lost when a newer revision took its place or it is complete."""
        if self.state != RevisionState.BUILDING:
            move_revision(self, RevisionState.FAILED, RevisionState.BUILDING)

    def record(self, name: str, text: str = "", *, by: User | None, note: str = "") -> None:
        """For its builds, which know nothing of the audit log."""
        audit.record(self, name, text, by=by, note=note)
