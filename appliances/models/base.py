"""What machines start from, as it was last seen, and what was built from it."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from builds.engine.bases import BASES

from ..querysets import BaseQuerySet, BuiltFromQuerySet
from .release import Revision

RELEASE = "release"
"""The kind of a base that is another appliance's release: its row follows our own catalog."""


class Base(models.Model):
    """A base that published revisions were built from. `causes/bases.py` looks whether it has become another one."""

    kind = models.CharField(max_length=20, help_text="As in a template; or the platform that brings its own.")
    title = models.CharField(max_length=300)
    options = models.JSONField(default=dict)
    digest = models.CharField(max_length=64, unique=True, help_text="SHA-256 of all of the above, in hex.")
    inputs = models.CharField(max_length=300, blank=True, help_text="What it would be made of now.")
    seen_at = models.DateTimeField(null=True, blank=True, help_text="When that was first seen.")
    changed_at = models.DateTimeField(null=True, blank=True, help_text="When it last became another one.")
    checked_at = models.DateTimeField(null=True, blank=True, help_text="When it was last looked at with success.")
    check_at = models.DateTimeField(help_text="When it is looked at next.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="Looks in a row that failed.")
    error = models.TextField(blank=True, help_text="Why it could not be looked at.")
    hint = models.TextField(blank=True, help_text="The next thing to do.")

    objects = BaseQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "title", "pk"]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return f"{reverse('bases')}#base-{self.pk}"

    @property
    def is_release(self) -> bool:
        return self.kind == RELEASE

    @property
    def is_watched(self) -> bool:
        """Is anybody able to tell when it changes?"""
        return self.is_release or (self.kind in BASES and BASES[self.kind].is_watched())

    @property
    def is_pinned(self) -> bool:
        """Does a change of it mean that it is gone, and not that there is a newer one?"""
        return self.kind in BASES and BASES[self.kind].pinned

    @property
    def is_replaced(self) -> bool:
        """The file that templates name by its checksum is not what is there any more."""
        return self.is_pinned and self.changed_at is not None


class BuiltFrom(models.Model):
    """What a published revision started from on one platform."""

    revision = models.ForeignKey(Revision, models.CASCADE, related_name="built_from")
    platform = models.CharField(max_length=20)
    base = models.ForeignKey(Base, models.CASCADE, related_name="built_from")
    inputs = models.CharField(max_length=300, blank=True, help_text="What the base was made of then; empty: unknown.")
    built_at = models.DateTimeField()

    objects = BuiltFromQuerySet.as_manager()

    class Meta:
        ordering = ["revision__release__appliance__name", "-revision", "platform"]
        constraints = [
            models.UniqueConstraint(fields=["revision", "platform"], name="one_base_per_revision_and_platform")
        ]

    def __str__(self) -> str:
        return f"{self.revision} on {self.platform}, from {self.base}"

    @property
    def is_outdated(self) -> bool:
        """Has its base become another one since? What is pinned has not, even when its file is gone."""
        base = self.base
        if base.is_pinned or not base.inputs:
            return False
        if self.inputs:
            return self.inputs != base.inputs
        return base.changed_at is not None and self.built_at < base.changed_at
