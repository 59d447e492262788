"""What programs sign in with: a person's token acts as that person, a team's acts for that team alone."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from .people import Team, User

PREFIX = "slipway_"  # what scanners for leaked secrets look for
USE_NOTED = timedelta(minutes=1)


class Scope(models.TextChoices):
    READ = "read", "see what its owner sees: drafts, builds, logs, and download"
    BUILD = "build", "write appliances and releases, their sources, values and schedules; build, cancel, retry"
    PUBLISH = "publish", "publish, reject, promote, withdraw, restore, roll back"
    ADMIN = "admin", "teams, members, secrets, accounts, hooks and notifications"


class TokenQuerySet(models.QuerySet):
    def usable(self) -> TokenQuerySet:
        """Not expired, and not of a person who may not sign in any more."""
        unexpired = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        return self.filter(unexpired).exclude(user__is_active=False)

    def authenticate(self, text: str) -> Token | None:
        """The token that this text is. Every client that brings one comes through here, whatever it speaks."""
        if not text.startswith(PREFIX):
            return None
        found = self.usable().select_related("user", "team").filter(digest=digest(text)).first()
        if found:
            found.note_use()
        return found

    def issue(
        self,
        name: str,
        scopes: Collection[str],
        *,
        by: User | None,
        team: Team | None = None,
        expires_at: datetime | None = None,
    ) -> tuple[Token, str]:
        """A new token and its text, which nobody can read again. Without a team it acts as `by`."""
        text = PREFIX + secrets.token_urlsafe(32)
        owner: dict[str, Any] = {"team": team} if team else {"user": by}
        token = self.create(
            name=name,
            scopes=[scope for scope in Scope.values if scope in scopes],
            digest=digest(text),
            created_by=by,
            expires_at=expires_at,
            **owner,
        )
        return token, text


class Token(models.Model):
    """A secret that a program shows. Only its SHA-256 is kept; to revoke it is to delete its row."""

    name = models.CharField(max_length=80, help_text="What it is for: ci, laptop. The audit log shows it.")
    scopes = models.JSONField(default=list)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of its text, in hex.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="tokens")
    team = models.ForeignKey(Team, models.CASCADE, null=True, blank=True, related_name="tokens")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True, help_text="To the minute.")

    objects = TokenQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user__isnull=True, team__isnull=False) | Q(user__isnull=False, team__isnull=True),
                name="token_is_of_a_person_or_a_team",
            )
        ]

    def __str__(self) -> str:
        return f"token {self.name}"

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()

    def allows(self, scope: str) -> bool:
        """Every token may read what its owner may."""
        return scope == Scope.READ or scope in self.scopes

    def note_use(self) -> None:
        """At most once a minute: what reads much must not write much."""
        now = timezone.now()
        if self.used_at is None or now - self.used_at >= USE_NOTED:
            type(self).objects.filter(pk=self.pk).update(used_at=now)
            self.used_at = now


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
