"""Layers: a machine's state after its boot or a provisioner, kept so that no build has to get there again."""

from .layer import Layer, Unresumable
from .shelf import Layers, NoLayers

__all__ = ["Layer", "Layers", "NoLayers", "Unresumable"]
