"""The list of all indexes of the catalog. Each is a module with `documents(shop)`: see `offers.py`."""

from __future__ import annotations

from collections.abc import Iterator

from .offers import Document, Shop

INDEXES = ()


def documents(shop: Shop) -> Iterator[Document]:
    """Every document of every index. Of one index, what names others comes after them."""
    for index in INDEXES:
        yield from index.documents(shop)
