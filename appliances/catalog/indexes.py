"""The list of all indexes of the catalog. Each is a module with `documents(shop)`: see `offers.py`."""

from __future__ import annotations

from collections.abc import Iterator

from . import catalog_json, coreos, feed, incus, keys, simplestreams, sums, vagrant, virt_builder
from .content_library import index as content_library
from .content_library.index import Piece
from .offers import Document, Shop

INDEXES = (keys, sums, vagrant, incus, simplestreams, virt_builder, coreos, content_library, feed, catalog_json)


def documents(shop: Shop) -> Iterator[Document]:
    """Every document of every index. Of one index, what names others comes after them."""
    for index in INDEXES:
        yield from index.documents(shop)


def pieces(shop: Shop) -> Iterator[Piece]:
    """What the documents name that is no file of its own, but a piece of one."""
    yield from content_library.pieces(shop)
