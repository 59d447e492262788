"""The ledger of what exists outside."""

from __future__ import annotations

from django.db import models

from ..querysets import ResourceQuerySet
from .artifact import Artifact
from .build import Build
from .layer import Layer


class Resource(models.Model):
    """The ledger: what a build made, or was about to make, outside of its worker. Written before it is created.

    It may exist as long as its build is active, or an artifact or a layer holds it; else `reconcile` removes it.
    """

    build = models.ForeignKey(Build, models.SET_NULL, null=True, related_name="resources")
    artifact = models.ForeignKey(Artifact, models.SET_NULL, null=True, blank=True, related_name="resources")
    layer = models.ForeignKey(Layer, models.SET_NULL, null=True, blank=True, related_name="resources")
    account = models.ForeignKey("appliances.Account", models.PROTECT, related_name="resources")
    place = models.CharField(max_length=100, help_text="AWS region, or vCenter's datacenter.")
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    reference = models.CharField(max_length=200, blank=True, help_text="Empty: not known, perhaps never created.")
    error = models.TextField(blank=True, help_text="Why it could not be removed.")
    created_at = models.DateTimeField(auto_now_add=True)
    gone_at = models.DateTimeField(null=True, blank=True)

    objects = ResourceQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["gone_at"])]

    def __str__(self) -> str:
        return f"{self.kind} {self.reference or self.name} in {self.place}"

    @property
    def build_name(self) -> str:
        return self.build.name if self.build else "an unknown build"
