"""Layers: a machine's state after its boot or a provisioner, kept so that no build has to get there again."""

from .layer import TAG, Layer, Unresumable
from .shelf import Layers, NoLayers

__all__ = ["TAG", "Layer", "Layers", "NoLayers", "Unresumable"]
