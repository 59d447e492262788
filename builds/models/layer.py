"""The states of machines that are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from ..querysets import LayerQuerySet
from ..text import storable
from .build import Build

if TYPE_CHECKING:
    from ..engine.layers.stored import Stored


class Layer(models.Model):
    """A machine's state after its boot or a provisioner: files on one worker, or something outside (an AMI).

    The files are the truth: a row without them is removed by that worker, and files without a row get one.
    """

    key = models.CharField(max_length=64)
    platform = models.CharField(max_length=20)
    place = models.CharField(max_length=200, help_text="The worker's host; outside: account and region. Shared: empty.")
    title = models.CharField(max_length=250, help_text="After what.")
    parts = models.JSONField(default=list, help_text="[title, {input: digest}] of all that led there.")
    parent = models.CharField(max_length=64, blank=True, help_text="The key of the layer that it continues.")
    build = models.ForeignKey(Build, models.SET_NULL, null=True, related_name="layers_kept")
    appliance = models.ForeignKey("appliances.Appliance", models.SET_NULL, null=True, related_name="layers")
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    seconds = models.FloatField(default=0, help_text="What it took to get there from the start: what a hit saves.")
    details = models.JSONField(default=dict, blank=True, help_text="Of one that lies outside: what resuming needs.")
    reference = models.CharField(max_length=200, blank=True, help_text="What its place calls it: ami-0123….")
    private = models.BooleanField(default=False, help_text="A secret may be in it: it is never shared.")
    fetched = models.BooleanField(default=False, help_text="Something from outside is in it: it grows old sooner.")
    dropped = models.BooleanField(default=False, help_text="Nobody wants it any more; its place will remove it.")
    hits = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(help_text="When a build last went on from it, or made it.")

    objects = LayerQuerySet.as_manager()

    class Meta:
        ordering = ["-used_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["key", "platform", "place"], name="one_layer_per_key_platform_and_place")
        ]

    def __str__(self) -> str:
        return self.title

    @staticmethod
    def columns_of(stored: Stored) -> dict[str, Any]:
        """What a store tells of one: the same wherever it lies."""
        return {
            "title": storable(stored.title)[:250],
            "parts": [[storable(part.title), dict(part.inputs)] for part in stored.parts],
            "parent": stored.parent,
            "size": stored.size,
            "seconds": stored.seconds,
            "private": stored.private,
            "fetched": stored.fetched,
        }
