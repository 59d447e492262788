"""Who works here: people, their teams, and what a team keeps secret."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractUser
from django.db import models

from .. import secrets
from ..querysets import TeamQuerySet

if TYPE_CHECKING:
    from .value import Value


class User(AbstractUser):
    """A person who can sign in. What they may do follows from their memberships."""


class Team(models.Model):
    """Owns appliances; its slug is the first part of their address."""

    slug = models.SlugField(max_length=50, unique=True)
    name = models.CharField(max_length=100)
    created_at = models.DateTimeField(auto_now_add=True)
    edition = models.PositiveBigIntegerField(default=0, editable=False, help_text="Of its last change: editions.py.")
    changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When the catalog last showed something new."
    )
    members = models.ManyToManyField(User, through="Membership", related_name="teams")

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def set_secret(self, name: str, value: str) -> Secret:
        """Keep a value under a name, in the place of a former one."""
        return self.secrets.update_or_create(name=name, defaults={"ciphertext": secrets.encrypt(value)})[0]

    def set_value(self, name: str, text: str) -> Value:
        """Let all templates that declare this variable have this value, unless their release has another."""
        return self.values.update_or_create(name=name, defaults={"text": text})[0]

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
