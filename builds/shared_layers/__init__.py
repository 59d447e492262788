"""Layers that workers take from each other, by way of the storage: each is one packed file, found by its row.

A host gives what it has kept once a minute, so that no build waits for it. A build takes what saves it more than it
costs to fetch. What may hold a secret stays where it is. A layer is of use only on the very one that it was made on:
another of the same key is another disk.
"""

from .giving import give
from .taking import take
from .tidying import tidy

__all__ = ["give", "take", "tidy"]
