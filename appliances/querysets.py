"""Reads that read as sentences. Views never spell out states."""

from __future__ import annotations

from django.apps import apps
from django.db import models
from django.db.models import Exists, OuterRef, Q

from builds.models import Build

from .states import RebuildState, ReleaseState, RevisionState, Visibility


def _published_from() -> models.QuerySet:
    return apps.get_model("appliances", "BuiltFrom").objects.published()


class TeamQuerySet(models.QuerySet):
    def of(self, user):
        """Teams whose drafts and builds this person may see."""
        if user.is_superuser:
            return self
        return self.filter(memberships__user=user) if user.is_authenticated else self.none()


class ApplianceQuerySet(models.QuerySet):
    def of(self, user):
        if user.is_superuser:
            return self
        return self.filter(team__memberships__user=user) if user.is_authenticated else self.none()

    def published(self):
        """On the catalog: at least one release that is published."""
        return self.filter(releases__state=ReleaseState.PUBLISHED).distinct()

    def listed_for(self, reader):
        """Those that this reader is shown unasked: what is public, and their own."""
        return self.filter(Q(visibility=Visibility.PUBLIC) | Q(team__in=reader.teams()))

    def readable_by(self, reader):
        """Those that this reader may have when they know the address."""
        return self.filter(~Q(visibility=Visibility.TEAM) | Q(team__in=reader.teams()))

    def search(self, words: str):
        """Every word occurs in the name, the summary, the description, the address or the team's name."""
        matches = self
        for word in words.split():
            matches = matches.filter(
                Q(name__icontains=word)
                | Q(summary__icontains=word)
                | Q(description__icontains=word)
                | Q(slug__icontains=word)
                | Q(team__name__icontains=word)
                | Q(team__slug__icontains=word)
            )
        return matches


class ReleaseQuerySet(models.QuerySet):
    def published(self):
        return self.filter(state=ReleaseState.PUBLISHED)

    def visible(self):
        """Has a page on the catalog: published, or withdrawn with its reason."""
        return self.exclude(state=ReleaseState.DRAFT)


class BaseQuerySet(models.QuerySet):
    def in_use(self):
        """Something that is on the catalog was built from it."""
        return self.filter(Exists(_published_from().filter(base=OuterRef("pk"))))

    def of(self, user):
        """Those that this person's appliances are built from."""
        mine = _published_from()
        if not user.is_superuser:
            mine = mine.filter(revision__release__appliance__team__memberships__user=user)
        return self.filter(Exists(mine.filter(base=OuterRef("pk"))))


class BuiltFromQuerySet(models.QuerySet):
    def published(self):
        return self.filter(
            revision__state=RevisionState.PUBLISHED, revision__release__state=ReleaseState.PUBLISHED
        ).select_related("base", "revision__release__appliance__team")


class RebuildQuerySet(models.QuerySet):
    def waiting(self):
        """In the order in which they are started."""
        return self.filter(state=RebuildState.WAITING).order_by("pk")

    def started_since(self, moment):
        return self.filter(state=RebuildState.STARTED, started_at__gt=moment)


class RevisionQuerySet(models.QuerySet):
    def published(self):
        """What the catalog offers: the published revision of a release that is not withdrawn."""
        return self.filter(state=RevisionState.PUBLISHED, release__state=ReleaseState.PUBLISHED)

    def unsettled(self):
        """Still building as it seems, but none of its builds is active any more."""
        active = Exists(Build.objects.active().filter(revision=OuterRef("pk")))
        return self.filter(~active, state=RevisionState.BUILDING)
