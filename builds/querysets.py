"""Reads that read as sentences."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils import timezone

from . import states
from .engine.accounts import ACCOUNTS

if TYPE_CHECKING:
    from .models import Build


class BuildQuerySet(models.QuerySet):
    def active(self):
        """Queued, running or cleaning up."""
        return self.filter(state__in=states.ACTIVE)

    def owned(self):
        """A worker has taken it."""
        return self.filter(state__in=states.OWNED)

    def silent_since(self, moment: datetime):
        """Owned by a worker that has not been heard of since then."""
        return self.owned().filter(heartbeat_at__lt=moment)

    def kept(self):
        """Failed, but their machine is there to be looked at, and holds its worker's place."""
        return self.filter(state=states.BuildState.RUNNING, debug_until__gt=timezone.now())

    def queued(self):
        return self.filter(state=states.BuildState.QUEUED)

    def held_back(self):
        """Queued, but waiting for one of their limits, not for a worker."""
        return self.queued().filter(held_back=True)

    def succeeded(self):
        return self.filter(state=states.BuildState.SUCCEEDED)

    def unsuccessful(self):
        return self.filter(state__in=(states.BuildState.FAILED, states.BuildState.CANCELLED))

    def timed(self):
        """Those that tell how long a whole build takes: they succeeded, and began from the beginning."""
        return self.succeeded().filter(resumes=None, started_at__isnull=False, finished_at__isnull=False)

    def with_layers_told(self):
        """Those that looked for a layer, or were not to."""
        told = models.Q(facts__has_key="layers") | models.Q(facts__has_key="layer miss") | models.Q(layers=False)
        return self.filter(told, started_at__isnull=False)

    def before(self, build: Build):
        """Earlier builds of the same appliance and platform that did the whole of it; what says most comes first: the
        newest that succeeded, else the newest that ended.
        """
        appliance = build.revision.release.appliance_id
        ended = self.filter(state__in=states.FINAL, resumes=None, started_at__isnull=False, finished_at__isnull=False)
        earlier = ended.filter(revision__release__appliance=appliance, platform=build.platform, pk__lt=build.pk)
        failed = models.Case(models.When(state=states.BuildState.SUCCEEDED, then=0), default=1)
        return earlier.order_by(failed, "-pk")

    def newest_per_platform(self):
        """Of each revision and platform only the last attempt."""
        newest = self.model.objects.filter(revision=models.OuterRef("revision"), platform=models.OuterRef("platform"))
        return self.filter(pk=models.Subquery(newest.order_by("-pk").values("pk")[:1]))


class StepQuerySet(models.QuerySet):
    def end(self, now: datetime) -> None:
        """The build has ended without them: what ran has failed, what was to come is skipped."""
        self.filter(state=states.StepState.RUNNING).update(state=states.StepState.FAILED, finished_at=now)
        self.filter(state=states.StepState.PENDING).update(state=states.StepState.SKIPPED)


class LogChunkQuerySet(models.QuerySet):
    def after(self, sequence: int):
        return self.filter(sequence__gt=sequence)


class LayerQuerySet(models.QuerySet):
    def usable(self):
        return self.filter(dropped=False)

    def outside(self):
        """In accounts, not on workers."""
        return self.exclude(reference="")

    def in_accounts_of(self, team):
        held = self.model.resources.rel.related_model.objects.standing().filter(account__team=team)
        return self.outside().filter(models.Exists(held.filter(layer=models.OuterRef("pk"))))

    def without_resources(self):
        standing = self.model.resources.rel.related_model.objects.standing()
        return self.filter(~models.Exists(standing.filter(layer=models.OuterRef("pk"))))

    def young(self, now: datetime):
        """Not too old for a build to go on from."""
        fetched = models.Q(created_at__gt=now - timedelta(days=settings.LAYERS_FETCHED_DAYS))
        return self.filter(fetched | models.Q(created_at__gt=now - timedelta(days=settings.LAYERS_DAYS), fetched=False))

    def at(self, place: str):
        """On that worker's host; "": those that all workers share."""
        return self.filter(place=place)

    def boots(self):
        """Of nothing but a base: every appliance that starts from it goes on from there."""
        return self.filter(parts__1__isnull=True, reference="")

    def of(self, teams):
        """What these teams' members may see."""
        return self.filter(models.Q(appliance__team__in=teams) | models.Q(pk__in=self.boots().values("pk")))


class ResourceQuerySet(models.QuerySet):
    def standing(self):
        """Not known to be gone."""
        return self.filter(gone_at=None)

    def left_over(self):
        """What nobody owns any more: no build at work, no layer, no artifact, nor an artifact's copy in a later
        revision; and that no next attempt would go on with.
        """
        artifacts = self.model._meta.get_field("artifact").related_model.objects.exclude(reference="")
        kept = models.Exists(artifacts.filter(reference=models.OuterRef("reference"), region=models.OuterRef("place")))
        builds = self.model._meta.get_field("build").related_model.objects.active()
        # A machine that goes on from a layer may share its disk.
        unused = models.Q(layer__dropped=True) & ~models.Exists(builds.filter(layer=models.OuterRef("layer")))
        ownerless = self.standing().filter(models.Q(layer=None) | unused, ~kept, artifact=None)
        ownerless = ownerless.exclude(build__state__in=states.ACTIVE)
        return ownerless.exclude(pk__in=self.resumable().values("pk"))

    def resumable(self):
        """What attempts have half done whose finished images a next one may take over."""
        artifacts = self.model._meta.get_field("artifact").related_model.objects.of_unsuccessful_builds()
        unfinished = artifacts.filter(
            build__revision=models.OuterRef("build__revision"), build__platform=models.OuterRef("build__platform")
        )
        kinds = (models.Q(account__kind=name, kind__in=account.resumable) for name, account in ACCOUNTS.items())
        return self.standing().filter(models.Exists(unfinished), reduce(or_, kinds), layer=None)


class ArtifactQuerySet(models.QuerySet):
    def of_succeeded_builds(self):
        return self.filter(build__state=states.BuildState.SUCCEEDED)

    def of_unsuccessful_builds(self):
        """What a next attempt may take over."""
        return self.filter(build__state__in=(states.BuildState.FAILED, states.BuildState.CANCELLED))


class LimitQuerySet(models.QuerySet):
    def with_busy(self):
        """Each with `busy`, how many builds are at work under it."""
        held = self.model.builds.through.objects.filter(limit=models.OuterRef("pk"), build__state__in=states.OWNED)
        count = held.order_by().values("limit").annotate(count=models.Count("pk")).values("count")
        # Not a join: whoever asks for the limits of some builds counts all the others, too.
        return self.annotate(busy=Coalesce(models.Subquery(count), 0))


class DeliveryQuerySet(models.QuerySet):
    def due(self, now: datetime):
        return self.filter(state=states.DeliveryState.QUEUED, due_at__lte=now)

    def running_since(self, moment: datetime):
        """Begun before then, and not ended."""
        return self.filter(state=states.DeliveryState.RUNNING, started_at__lt=moment)
