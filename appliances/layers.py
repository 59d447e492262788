"""What people do with layers. The files lie on workers: each removes its own, at its next build or within a minute."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q

from builds.models import Layer

from . import audit
from .models import Appliance, User


def drop(layer: Layer, *, by: User | None) -> None:
    """No build goes on from it any more, nor from what continues it. Twice is once."""
    with transaction.atomic():
        # Workers would give each other what is dropped at one place only.
        same = Q(key=layer.key, platform=layer.platform, reference="") if not layer.reference else Q(pk=layer.pk)
        if Layer.objects.usable().filter(same).update(dropped=True):
            audit.record(layer.appliance, "layer-dropped", f"dropped the layer {layer.title} ({layer.platform})", by=by)


def drop_all(appliance: Appliance, *, by: User | None) -> int:
    """The same with all that builds of this appliance have kept; returns how many there were."""
    with transaction.atomic():
        keys = list(appliance.layers.filter(reference="").values_list("key", flat=True))
        copies = Layer.objects.filter(key__in=keys, reference="")
        count = appliance.layers.usable().update(dropped=True)
        copies.update(dropped=True)
        if count:
            audit.record(appliance, "layers-dropped", f"dropped {count} layer{'s' if count > 1 else ''}", by=by)
    return count
