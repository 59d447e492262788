"""The list of all indexes of the catalog. Each is a module with `documents(shop)`: see `offers.py`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import catalog_json, coreos, feed, incus, keys, simplestreams, sums, vagrant, virt_builder
from .offers import Document, Shop

INDEXES = (keys, sums, vagrant, incus, simplestreams, virt_builder, coreos, feed, catalog_json)


def documents(shop: Shop) -> Iterator[Document]:
    """Every document of every index. Of one index, what names others comes after them."""
    for index in INDEXES:
        yield from index.documents(shop)


def pieces(shop: Shop) -> Iterator[Any]:
    """What indexes name that is a piece of a stored file: `path`, and `size` bytes of an `artifact` from `start` on."""
    for index in INDEXES:
        if hasattr(index, "pieces"):
            yield from index.pieces(shop)
