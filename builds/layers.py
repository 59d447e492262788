"""Where this worker's builds keep machines' states (see engine/layers)."""

from __future__ import annotations

import hmac

from django.conf import settings

from .engine.layers import Layers, NoLayers
from .engine.layers.store import DAY, Store


def layers(*, wanted: bool = True) -> Layers:
    """`wanted`: whether the build may use any at all."""
    if not wanted or not settings.LAYERS:
        return NoLayers()
    return Store(
        settings.DATA_DIR / "cache" / "layers",
        hmac.digest(settings.SECRET_KEY.encode(), b"slipway: digests of secrets in layers' keys", "sha256"),
        budget=settings.LAYERS,
        max_age=settings.LAYERS_DAYS * DAY,
        max_age_fetched=settings.LAYERS_FETCHED_DAYS * DAY,
    )
