"""The git repository that an appliance follows, what was seen of it, and what it is told about its commits."""

from __future__ import annotations

import secrets as random

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from builds.engine.source import Access, Address, fingerprint

from .. import secrets
from ..forges import FORGES
from ..forges.base import Forge
from .appliance import Appliance
from .release import Revision, version_validator

PATH = RegexValidator(
    r"^(?!/|.*(^|/)\.\.(/|$))[^\x00\n]+\Z", "Write a path from the top of the repository, without “..”."
)
REF = RegexValidator(r"^(?![-/])[\w./+@-]{1,200}\Z", "Write the name of a branch, as `git branch` shows it.")


def new_hook() -> str:
    """The part of a webhook's address that nobody guesses."""
    return random.token_urlsafe(18)


class Repository(models.Model):
    """An appliance follows one: `following.py` looks at it, and makes releases and revisions of what it finds."""

    appliance = models.OneToOneField(Appliance, models.CASCADE, related_name="repository")
    url = models.CharField(max_length=300)
    forge = models.CharField(max_length=10, choices=[(name, forge.label) for name, forge in FORGES.items()])
    branch = models.CharField(max_length=200, default="main", validators=[REF])
    tag_pattern = models.CharField(max_length=100, blank=True)
    template_path = models.CharField(max_length=200, default="appliance.yaml", validators=[PATH])
    watched = models.TextField(blank=True)
    edge_version = models.CharField(max_length=64, default="0.0.0-edge", validators=[version_validator])
    poll_minutes = models.PositiveIntegerField(default=0)

    deploy_key = models.TextField(blank=True, help_text="The public half.")
    deploy_key_ciphertext = models.BinaryField(default=bytes, help_text="The private half.")
    host_key = models.TextField(blank=True, help_text="The ssh server's, as it was at first contact.")
    token_ciphertext = models.BinaryField(default=bytes, blank=True)
    hook = models.CharField(max_length=40, unique=True, default=new_hook, help_text="The last part of its address.")
    hook_secret_ciphertext = models.BinaryField(default=bytes)

    seen_commit = models.CharField(max_length=64, blank=True, help_text="The branch's head at the last good look.")
    seen_tags = models.JSONField(
        null=True, blank=True, help_text="{tag: what it points to} then; null: not looked yet."
    )
    # The looks' own notes, see following.py.
    asked = models.PositiveIntegerField(default=0, help_text="How many looks were asked for.")
    taken = models.PositiveIntegerField(default=0, help_text="How many of them the newest look was an answer to.")
    looking_until = models.DateTimeField(null=True, blank=True, help_text="A worker looks; after that it has died.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="Looks in a row that failed.")
    due_at = models.DateTimeField(null=True, blank=True, help_text="When it is looked at without being asked.")

    class Meta:
        verbose_name_plural = "repositories"
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.url} of {self.appliance}"

    @property
    def kind(self) -> Forge:
        return FORGES[self.forge]

    @property
    def over_ssh(self) -> bool:
        return Address.of(self.url).scheme == "ssh"

    @property
    def hook_secret(self) -> str:
        return secrets.decrypt(self.hook_secret_ciphertext)

    @property
    def token(self) -> str:
        """Empty when it has none. For git and the forge's API, never for a page."""
        return secrets.decrypt(self.token_ciphertext) if self.token_ciphertext else ""

    @property
    def has_token(self) -> bool:
        return bool(self.token_ciphertext)

    @property
    def reports(self) -> bool:
        """Are the statuses of its commits told to the forge?"""
        return self.has_token and self.kind.takes_statuses

    @property
    def host_fingerprint(self) -> str:
        return fingerprint(self.host_key) if self.host_key else ""

    @property
    def patterns(self) -> list[str]:
        return [line.strip() for line in self.watched.splitlines() if line.strip()]

    @property
    def waits(self) -> bool:
        """Was a look asked for that no worker has begun with?"""
        return self.asked > self.taken

    @property
    def rests(self) -> bool:
        """After a failure it is left alone for a while, whoever asks."""
        return bool(self.failures and self.due_at and self.due_at > timezone.now())

    def access(self) -> Access:
        """With what git reads it. Raises WorkerError when the installation's key is gone."""
        return Access(
            reach=settings.REACH,
            key=secrets.decrypt(self.deploy_key_ciphertext),
            host_key=self.host_key,
            user=self.kind.login,
            token=self.token,
        )


class Look(models.Model):
    """What one look at a repository found."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="looks")
    at = models.DateTimeField(auto_now_add=True)
    commit = models.CharField(max_length=64, blank=True, help_text="The branch's head then.")
    found = models.TextField(blank=True, help_text="What came of it, a sentence per line.")
    error = models.TextField(blank=True, help_text="What went wrong and where.")
    hint = models.TextField(blank=True, help_text="The next thing to do.")

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"look {self.pk} at {self.repository.url}"


class Push(models.Model):
    """A call of the forge that was genuine. Its number is kept, so that nobody can play it again."""

    repository = models.ForeignKey(Repository, models.CASCADE, related_name="pushes")
    delivery = models.CharField(max_length=64, help_text="SHA-256 of what the forge calls it, in hex.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "pushes"
        constraints = [models.UniqueConstraint(fields=["repository", "delivery"], name="one_push_per_delivery")]

    def __str__(self) -> str:
        return f"push {self.pk} to {self.repository.url}"


class CommitStatus(models.Model):
    """What the forge should say of a revision's commit, and what it was told."""

    revision = models.OneToOneField(Revision, models.CASCADE, related_name="commit_status")
    wanted = models.CharField(max_length=10)
    told = models.CharField(max_length=10, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="To tell what is wanted.")
    due_at = models.DateTimeField(null=True, blank=True, help_text="Not before then; empty: no more.")
    error = models.TextField(blank=True)
    hint = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "commit statuses"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.revision}: {self.wanted}"
