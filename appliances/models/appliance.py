"""A product, as people find it on the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.urls import reverse

from builds.engine.names import SLUG
from builds.engine.source import Access

from .. import words
from ..querysets import ApplianceQuerySet
from ..states import RebuildPolicy, Visibility
from .people import Team

if TYPE_CHECKING:
    from .repository import Repository


slug_pattern = RegexValidator(
    rf"^{SLUG}\Z", "Use letters, digits, - and _, and single dots between them: wiki, ubuntu-24.04."
)


def slug_validator(slug: str) -> None:
    """It stands in addresses, beside documents, and is what Vagrant calls it."""
    slug_pattern(slug)
    ending = slug.lower().rpartition(".")[2]
    if f".{ending}" in words.DOCUMENTS:
        raise ValidationError(f"What ends in .{ending} is a document in an address: choose a name with another ending.")


class Appliance(models.Model):
    """A product that people download."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="appliances")
    slug = models.CharField(max_length=50, validators=[slug_validator])
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
    rebuild_policy = models.CharField(
        max_length=12,
        choices=RebuildPolicy.choices,
        default=RebuildPolicy.BY_HAND,
        help_text="When a base or a parent of what is published has changed.",
    )
    visibility = models.CharField(
        max_length=8,
        choices=Visibility.choices,
        default=Visibility.PUBLIC,
        help_text="Who finds it on the catalog once it is published.",
    )
    upload_checks = models.TextField(
        blank=True,
        help_text="YAML, as `checks` of a template: what boxes that were made elsewhere must pass to be published.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    edition = models.PositiveBigIntegerField(default=0, editable=False, help_text="Of its last change: editions.py.")
    changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When the catalog last showed something new."
    )

    objects = ApplianceQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "slug"], name="one_appliance_per_team_and_slug")]

    def __str__(self) -> str:
        return f"{self.team.slug}/{self.slug}"

    def get_absolute_url(self) -> str:
        return reverse("catalog:appliance", args=[self.team.slug, self.slug])

    @property
    def followed(self) -> Repository | None:
        """The repository that it follows."""
        return getattr(self, "repository", None)

    def access(self, url: str) -> Access:
        """With what a repository is read. Credentials are for the one that it follows, and go nowhere else."""
        if self.followed and self.followed.url == url:
            return self.followed.access()
        return Access(reach=settings.REACH)
