"""A document for each channel of an appliance, in the shape of Fedora CoreOS's streams: for whoever wants one image.

Beside each one is its detached signature (`.json.asc`). The shape has more words than we need; none of ours is new.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from appliances import signing
from appliances.models import Appliance
from builds import incus
from builds.models import Artifact

from .answers import answer_about, readable, with_key
from .offers import Document, Shop
from .shelf import folder_of

MEDIA_TYPES = {"json": "application/json", "json.asc": "application/pgp-signature"}
PLACES = {
    "qcow2": ("qemu", "qcow2"),
    "raw": ("metal", "raw.gz"),
    "ova": ("vmware", "ova"),
    "vmdk": ("vmware", "vmdk"),
}
"""The platform and the format that streams call ours. Boxes are "vagrant": "libvirt.box"."""


@require_safe
def stream(request: HttpRequest, team: str, appliance: str, channel: str) -> HttpResponse:
    return _answered(request, team, appliance, channel, "json")


@require_safe
def signature(request: HttpRequest, team: str, appliance: str, channel: str) -> HttpResponse:
    return _answered(request, team, appliance, channel, "json.asc")


def _answered(request: HttpRequest, team: str, appliance: str, channel: str, form: str) -> HttpResponse:
    found, shop = readable(request, team, appliance)

    def make() -> Document | None:
        artifacts = list(shop.goods(build__revision__release__channels__name=channel))
        return written(shop, found, channel, artifacts, form) if artifacts else None

    return answer_about(request, found, with_key(found.edition) if form != "json" else found.edition, make)


def documents(shop: Shop) -> Iterator[Document]:
    channels = shop.channels()
    for appliance, artifacts in groupby(shop.goods(), lambda each: each.build.revision.release.appliance):
        pointed: dict[str, list[Artifact]] = {}
        for artifact in artifacts:
            for channel in channels.get(artifact.build.revision.release_id, ()):
                pointed.setdefault(channel, []).append(artifact)
        for channel, rows in pointed.items():
            yield from (written(shop, appliance, channel, rows, form) for form in MEDIA_TYPES)


def written(shop: Shop, appliance: Appliance, channel: str, artifacts: Iterable[Artifact], form: str) -> Document:
    text = json.dumps(tree(shop, appliance, channel, artifacts), indent=1).encode() + b"\n"
    path = f"streams{appliance.get_absolute_url()}/{channel}.{form}"
    return Document(path, MEDIA_TYPES[form], text if form == "json" else signing.armored(text))


def tree(shop: Shop, appliance: Appliance, channel: str, artifacts: Iterable[Artifact]) -> dict[str, Any]:
    architectures: dict[str, Any] = {}
    for artifact in artifacts:
        name = incus.ARCHITECTURES.get(artifact.architecture, artifact.architecture)
        part = architectures.setdefault(name, {"artifacts": {}, "images": {}})
        release = artifact.build.revision.release.version
        if artifact.format == "ami" and artifact.reference:
            regions = part["images"].setdefault("aws", {"regions": {}})["regions"]
            regions.setdefault(artifact.region, {"release": release, "image": artifact.reference})
        elif place := place_of(artifact):
            platform = part["artifacts"].setdefault(place[0], {"release": release, "formats": {}})
            platform["formats"].setdefault(place[1], {"disk": disk(shop, artifact)})
    changed = appliance.changed_at or appliance.created_at
    return {
        "stream": channel,
        "metadata": {"last-modified": f"{changed:%Y-%m-%dT%H:%M:%SZ}", "generator": "slipway"},
        "architectures": architectures,
    }


def place_of(artifact: Artifact) -> tuple[str, str] | None:
    if artifact.format.startswith("box-"):
        return "vagrant", f"{artifact.format.removeprefix('box-')}.box"
    return PLACES.get(artifact.format, ("other", artifact.format)) if artifact.file else None


def disk(shop: Shop, artifact: Artifact) -> dict[str, str]:
    """One that is kept elsewhere may come without a checksum that streams have a word for."""
    if not artifact.file:
        known = artifact.details.get("checksum_type") == "sha256"
        return {"location": artifact.details["url"]} | ({"sha256": artifact.details["checksum"]} if known else {})
    folder = folder_of(artifact.build.revision, artifact.build.revision.release)
    return {"location": f"{shop.site}{folder}/{artifact.name}", "sha256": artifact.sha256}
