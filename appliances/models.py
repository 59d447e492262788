"""What we publish. Verbs live in `releases.py`; sentences that read live in `querysets.py`."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from pydantic import ValidationError

from builds.engine.accounts import ACCOUNTS
from builds.engine.accounts.base import PAGE
from builds.engine.errors import WorkerError
from builds.moves import Lost, Moved

from . import secrets
from .moves import move_revision, put_up
from .querysets import ApplianceQuerySet, ReleaseQuerySet, RevisionQuerySet, TeamQuerySet
from .states import ReleaseState, RevisionState

if TYPE_CHECKING:
    from builds.engine.accounts.base import Account as EngineAccount
    from builds.models import Build

# What Vagrant's Ruby clients can parse: one bad version would make a whole catalog unreadable.
version_validator = RegexValidator(
    r"^[0-9]+(\.[0-9a-zA-Z]+)*(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?\Z",
    "Use digits and dots, then an optional pre-release: 1.4.0, 20261122.1 or 2.0.0-rc1; no leading v, no +build.",
)


class User(AbstractUser):
    """A person who can sign in. What they may do follows from their memberships."""


class Team(models.Model):
    """Owns appliances; its slug is the first part of their address."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def set_secret(self, name: str, value: str) -> None:
        """Keep a value under a name, in the place of a former one."""
        self.secrets.update_or_create(name=name, defaults={"ciphertext": secrets.encrypt(value)})

    def secret_values(self, names: Collection[str]) -> dict[str, str]:
        """Those of the names that have a value, decrypted: for a build, never for a page."""
        return {row.name: secrets.decrypt(row.ciphertext) for row in self.secrets.filter(name__in=names)}

    def account_kinds(self) -> dict[str, str]:
        """The kind of each account, by name: what the engine asks when it looks for what a template lacks."""
        return dict(self.accounts.values_list("name", "kind"))


class Role(models.TextChoices):
    VIEWER = "viewer"  # sees drafts, builds and logs
    MAINTAINER = "maintainer"  # edits, builds, publishes, withdraws
    OWNER = "owner"  # also members and secrets


class Membership(models.Model):
    team = models.ForeignKey(Team, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "user"], name="one_membership_per_team_and_user")]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.team}"


class Secret(models.Model):
    """The value of a template's secret variable, for all appliances of a team. Encrypted; never shown again."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="secrets")
    name = models.CharField(max_length=64)
    ciphertext = models.BinaryField()
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_secret_per_team_and_name")]

    def __str__(self) -> str:
        return f"{self.team}: {self.name}"


class Account(models.Model):
    """How a team signs in to a cloud or a vCenter. Its options are encrypted; the secret ones are never shown again."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="accounts")
    name = models.SlugField(max_length=50, help_text="What templates call it: `account: name`.")
    kind = models.CharField(max_length=20)
    ciphertext = models.BinaryField(help_text="All options, as JSON, encrypted.")
    shown = models.JSONField(default=dict, blank=True, help_text="The options that are not secret.")
    identity = models.CharField(max_length=300, blank=True, help_text="Who we were there at the last test.")
    missing = models.JSONField(default=list, blank=True, help_text="Permissions that were missing then.")
    notes = models.JSONField(default=list, blank=True, help_text="What else the last test told.")
    error = models.TextField(blank=True, help_text="Why the last test failed.")
    tested_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)
    # The reaper's own notes, see builds/reaper.py.
    searched_at = models.DateTimeField(null=True, blank=True, help_text="When it was last asked what it holds of ours.")
    search_error = models.TextField(blank=True, help_text="Why it could not be asked then.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="Rounds in a row that left something behind.")
    retry_at = models.DateTimeField(null=True, blank=True, help_text="When what could not be removed is tried again.")
    claimed_until = models.DateTimeField(null=True, blank=True, help_text="A reaper is at work in it until then.")

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_account_per_team_and_name")]

    def __str__(self) -> str:
        return f"{self.team.slug}: {self.name}"

    @property
    def label(self) -> str:
        """What its kind is called."""
        return ACCOUNTS[self.kind].label if self.kind in ACCOUNTS else self.kind

    def options(self) -> dict[str, Any]:
        """All options, decrypted. Raises WorkerError when the key is gone."""
        return json.loads(secrets.decrypt(self.ciphertext))

    def sign_in(self) -> EngineAccount:
        """The engine's account, made of the decrypted options: for a build or a test, never for a page.

        Raises WorkerError when they cannot be decrypted, or do not fit any more after an update of Slipway.
        """
        try:
            kind = ACCOUNTS[self.kind]
            return kind(kind.Options(**self.options()), self.name)
        except (KeyError, ValidationError):  # its text would repeat the secret values
            raise WorkerError(
                f"The account {self} does not fit this version of Slipway.",
                hint=f"Open it in {PAGE} and save it again.",
            ) from None


class Appliance(models.Model):
    """A product that people download."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="appliances")
    slug = models.SlugField(max_length=50)
    name = models.CharField(max_length=100)
    summary = models.CharField(max_length=160, help_text="One line, shown on its card.")
    description = models.TextField(blank=True, help_text="Markdown.")
    category = models.CharField(
        max_length=50, blank=True, help_text="One word that people filter by: wiki, database, ci."
    )
    licence = models.CharField(max_length=100, blank=True, help_text="SPDX identifier, such as MIT.")
    website = models.URLField(blank=True)
    credentials = models.TextField(blank=True, help_text="Markdown: how to sign in first, what happens at first boot.")
    publish_automatically = models.BooleanField(
        default=True,
        help_text="Publish as soon as every image passed its checks; otherwise a maintainer decides.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ApplianceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name="one_appliance_per_team_and_slug")]

    def __str__(self) -> str:
        return f"{self.team.slug}/{self.slug}"

    def get_absolute_url(self) -> str:
        return reverse("catalog:appliance", args=[self.team.slug, self.slug])


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
    digest = models.CharField(max_length=64, help_text="SHA-256 of all of the above, in hex.")
    platforms = models.JSONField(default=list, help_text="Names of the platforms that its template asks for.")
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
        ]

    def __str__(self) -> str:
        return f"{self.release} r{self.number}"

    def settle(self) -> None:
        """Draw the conclusion when a build of it has ended. Nothing happens while one is active, or the second time.

        Every platform succeeded: READY, and published at once when the appliance says so and nothing newer is up.
        """
        with transaction.atomic():
            self.refresh_from_db()  # its release may have been withdrawn since
            newest = list(self.builds.newest_per_platform())
            if any(build.is_active for build in newest):
                return
            succeeded = {build.platform for build in newest if build.has_succeeded}
            complete = succeeded.issuperset(self.platforms)
            try:
                move_revision(self, RevisionState.BUILDING, RevisionState.READY if complete else RevisionState.FAILED)
            except Lost:
                return  # superseded, or another build's end was here first
            if complete and self.release.appliance.publish_automatically and self.release.wants(self):
                put_up(self)

    def resume(self) -> None:
        """A build of it is tried again. Raises Lost when a newer revision took its place or it is complete."""
        if self.state != RevisionState.BUILDING:
            move_revision(self, RevisionState.FAILED, RevisionState.BUILDING)


class Event(models.Model):
    """What somebody did to a release, kept for good. `by` is empty when the installation did it by itself."""

    release = models.ForeignKey(Release, models.CASCADE, related_name="events")
    revision = models.ForeignKey(Revision, models.CASCADE, null=True, blank=True, related_name="events")
    text = models.CharField(max_length=200, help_text="A verb in the past: published, withdrawn.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.revision or self.release} {self.text}"
