"""A team's credentials outside."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import models
from pydantic import ValidationError

from builds.engine.accounts import ACCOUNTS
from builds.engine.accounts.base import PAGE
from builds.engine.errors import WorkerError

from .. import secrets
from .people import Team

if TYPE_CHECKING:
    from builds.engine.accounts.base import Account as EngineAccount


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
