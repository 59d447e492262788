"""The page of a mirror that people see: what there is, and the commands for it. No script, one style sheet."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from appliances.catalog.families import label
from appliances.catalog.offers import Shop
from appliances.catalog.shelf import folder_of
from appliances.models import Appliance, Release
from builds.models import Artifact

PAGE = "index.html"
STATIC = ("slipway.css", "mark.svg")
KEYS = "keys/openpgp.asc"
PROGRAMS = {
    "streams/v1/index.json": (
        "Incus, LXD: simplestreams",
        "incus remote add NAME {site} --protocol simplestreams --public",
    ),
    "vcsp/lib.json": ("vCenter: subscribe a content library to", "{site}/vcsp/lib.json"),
    "virt-builder/index.asc": ("virt-builder", "virt-builder --source {site}/virt-builder/index.asc --list"),
}
"""Of the documents that a mirror may have those that programs begin with, and the command for it."""


@dataclass
class File:
    artifact: Artifact
    path: str

    @property
    def label(self) -> str:
        return label(self.artifact.format)


@dataclass
class Version:
    release: Release
    folder: str
    files: list[File] = field(default_factory=list)

    @property
    def providers(self) -> list[str]:
        """For which it has a box."""
        names = (each.artifact.format for each in self.files)
        return list(dict.fromkeys(name.removeprefix("box-") for name in names if name.startswith("box-")))


@dataclass
class Entry:
    appliance: Appliance
    versions: list[Version]
    metadata: str
    """The address for `vagrant box add`; empty when it has no box."""


def pages(shop: Shop, others: Collection[str]) -> Iterator[tuple[str, bytes]]:
    """`others`: the paths of the documents that the page may name."""
    for name in STATIC:
        yield f"static/{name}", Path(str(finders.find(name))).read_bytes()
    found = list(entries(shop, others))
    programs = [(title, text.format(site=shop.site)) for path, (title, text) in PROGRAMS.items() if path in others]
    context = {
        "entries": found,
        "site": shop.site,
        "origin": settings.SITE_URL,
        "keys": KEYS if KEYS in others else "",
        "programs": programs,
        "changed_at": max((each.appliance.changed_at for each in found if each.appliance.changed_at), default=None),
    }
    yield PAGE, render_to_string("moving/mirror.html", context).encode()


def entries(shop: Shop, others: Collection[str]) -> Iterator[Entry]:
    """Team by team, and of each appliance the newest version first."""
    rows = shop.artifacts().order_by(
        "build__revision__release__appliance__team__name",
        "build__revision__release__appliance__name",
        "build__revision__release__appliance",
        "-build__revision__release__published_at",
        "-build__revision__release",
        "format",
        "architecture",
    )
    for appliance, artifacts in groupby(rows, key=lambda each: each.build.revision.release.appliance):
        versions = []
        for revision, files in groupby(artifacts, key=lambda each: each.build.revision):
            folder = folder_of(revision, revision.release).lstrip("/")
            here = [File(each, f"{folder}/{each.name}") for each in files if each.file]
            versions.append(Version(revision.release, folder, here))
        metadata = f"{appliance}/metadata.json"
        yield Entry(appliance, versions, f"{shop.site}/{metadata}" if metadata in others else "")
