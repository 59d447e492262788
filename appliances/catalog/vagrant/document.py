"""What an appliance's boxes are, as lib/vagrant/box_metadata.rb reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter
from typing import Any
from urllib.parse import quote

from appliances.models import Appliance
from appliances.models.upload import UNKNOWN

from ..offers import Document, Shop
from . import boxes
from .boxes import Box, Versions

USUAL = "amd64"
PRERELEASES = "prereleases"
MEDIA_TYPE = "application/json"


def documents(shop: Shop) -> Iterator[Document]:
    """Of every appliance with a box, at an address that any web server can serve.

    Where an appliance has prereleases that are left out, a second document has them all.
    """
    found = {each.pk: each for each in shop.appliances.select_related("team")}
    for key, versions in boxes.of_all(shop.appliances):
        appliance = found[key]
        usual = versions.without_prereleases()
        yield Document(f"{appliance}/metadata.json", MEDIA_TYPE, body(appliance, usual, shop.site))
        if len(usual) < len(versions):
            whole = body(appliance, versions, shop.site)
            yield Document(f"{PRERELEASES}/{appliance}/metadata.json", MEDIA_TYPE, whole)


def body(appliance: Appliance, versions: Versions, site: str) -> bytes:
    document = {
        "name": str(appliance),
        "description": appliance.summary,
        "versions": [
            {"version": version, "providers": list(providers(found, f"{site}/{appliance}"))}
            for version, found in versions.items()
        ],
    }
    return json.dumps(document, separators=(",", ":")).encode()


def providers(found: Iterable[Box], page: str) -> Iterator[dict[str, Any]]:
    """Of boxes that differ in nothing but the architecture Vagrant 2.3 takes the last one: that is the default."""
    ordered = sorted(found, key=attrgetter("format", "architecture"))
    for _, group in groupby(ordered, key=attrgetter("format")):
        same = list(group)
        default = default_of(same)
        for box in sorted(same, key=lambda box: box is default):
            entry = {"name": box.provider, "url": address(box, page), **checksum(box)}
            if len(same) > 1 or box.architecture != UNKNOWN:
                entry |= {"architecture": box.architecture, "default_architecture": box is default}
            yield entry


def default_of(same: list[Box]) -> Box:
    """What its publisher said, or else what most people have."""
    return max(same, key=lambda box: (bool(box.details.get("default_architecture")), box.architecture == USUAL))


def address(box: Box, page: str) -> str:
    if not box.file:
        return box.details["url"]
    return f"{page}/{box.version}/r{box.number}/{quote(box.name)}"


def checksum(box: Box) -> dict[str, str]:
    """What its publisher declared stands for what is kept elsewhere; of our own files we know better."""
    if box.file:
        return {"checksum_type": "sha256", "checksum": box.sha256}
    declared, kind = box.details.get("checksum", ""), box.details.get("checksum_type", "")
    return {"checksum_type": kind.lower(), "checksum": declared.lower()} if declared and kind else {}
