"""simplestreams: what Incus, LXD and cloud tools mirror from. An index, and for each team its files and its AMIs.

A product is what a channel of an appliance points to, on an architecture; one more is all that no channel points to.
So clients can name what they want. Mirrors remove versions and never a product: a product stays, empty, when nothing is
in it any more. Nothing is in two products: clients refuse an image that they find twice.

Each document is there plain (`.json`), with a detached signature beside it (`.json.gpg`), and signed as a whole
(`.sjson`, which names others of its kind).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from ipaddress import ip_address
from itertools import groupby
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from appliances import editions, signing
from appliances.models import Release, Team
from builds import incus
from builds.models import Artifact

from .answers import answer, listed, with_key
from .offers import Document, Shop
from .shelf import folder_of

FOLDER = "streams/v1"
MEDIA_TYPES = {"json": "application/json", "json.gpg": "application/pgp-signature", "sjson": "text/plain"}
"""In what forms each document is there."""
KINDS = {"images": "image-downloads", "aws": "image-ids"}
"""The documents of a team, and what is in them: files, or names in a cloud."""
FILES = {"qcow2": "disk1.img", "raw": "raw.gz"}
"""What simplestreams calls our formats, where it has names of its own. Boxes: "libvirt.box"."""
CLIENTS = ("incus.tar.xz", "lxd.tar.xz")
"""What tells the clients that a disk is for them: names that they look for, not what is in the file."""
REQUIREMENTS = {"secureboot": "false"}
"""Of a machine that runs an image of ours: it starts by BIOS."""
NAME = re.compile(r"(index|([-\w]+)-(images|aws))\.(json|json\.gpg|sjson)", re.ASCII)
NEVER = datetime.fromtimestamp(0, UTC)
Tree = dict[str, Any]


@require_safe
def stream(request: HttpRequest, name: str) -> HttpResponse:
    asked = NAME.fullmatch(name)
    if asked is None:
        raise Http404("The catalog has no such stream.")
    stem, slug, kind, form = asked.groups()
    shop = listed(request)
    key = with_key if form != "json" else int
    if stem == "index":
        return answer(request, key(editions.current()), lambda: written("index", form, index(shop, form)))
    team = get_object_or_404(Team, slug=slug)

    def make() -> Document | None:
        part = shop.of(team)
        found = products(part.goods(), kind, Channels.of(part))
        return written(stem, form, document(team, kind, found)) if found else None

    return answer(request, key(team.edition), make)


def documents(shop: Shop) -> Iterator[Document]:
    """What is named comes before what names it."""
    channels = Channels.of(shop)
    for team, artifacts in groupby(shop.goods(), team_of):
        rows = list(artifacts)
        for kind in KINDS:
            if found := products(rows, kind, channels):
                tree = document(team, kind, found)
                yield from (written(f"{team.slug}-{kind}", form, tree) for form in MEDIA_TYPES)
    yield from (written("index", form, index(shop, form)) for form in MEDIA_TYPES)


def written(stem: str, form: str, tree: Tree) -> Document:
    text = json.dumps(tree, indent=1) + "\n"  # in short lines: gpg refuses a signed text with long ones
    if form == "sjson":
        body = signing.clear(text)
    else:
        body = signing.armored(text.encode()) if form == "json.gpg" else text.encode()
    return Document(f"{FOLDER}/{stem}.{form}", MEDIA_TYPES[form], body)


def index(shop: Shop, form: str) -> Tree:
    """What there is, by the names alone."""
    suffix = "sjson" if form == "sjson" else "json"
    channels = shop.names_of_channels()
    found: dict[tuple[str, str], Tree] = {}
    changed = NEVER
    place = "build__revision__release__appliance"
    rows = shop.artifacts().order_by(f"{place}__team__slug", f"{place}__slug", "build__revision__release", "pk")
    for slug, updated, appliance, key, architecture, format_, file, reference in rows.values_list(
        f"{place}__team__slug",
        f"{place}__team__changed_at",
        f"{place}__slug",
        f"{place}__pk",
        "architecture",
        "format",
        "file",
        "reference",
    ).iterator():
        if kind := kind_of(format_, file, reference):
            entry = found.setdefault((slug, kind), heading(slug, kind, updated) | {"path": "", "products": {}})
            for channel in (*channels.get(key, ()), ""):
                entry["products"][product_name(slug, appliance, channel, architecture)] = None
            changed = max(changed, updated or NEVER)
    for (slug, kind), entry in found.items():
        entry |= {"path": f"{FOLDER}/{slug}-{kind}.{suffix}", "products": list(entry["products"])}
    return {
        "format": "index:1.0",
        "updated": format_datetime(changed),
        "index": {entry.pop("content_id"): entry for entry in found.values()},
    }


def document(team: Team, kind: str, found: Tree) -> Tree:
    return heading(team.slug, kind, team.changed_at) | {"products": found}


def heading(slug: str, kind: str, updated: datetime | None) -> Tree:
    return {
        "format": "products:1.0",
        "content_id": f"{domain()}:{slug}:{kind}",
        "datatype": KINDS[kind],
        "updated": format_datetime(updated or NEVER),
    }


@dataclass(frozen=True)
class Channels:
    names: Mapping[int, list[str]]
    """By the appliance's id."""
    pointing: Mapping[int, list[str]]
    """By the id of the release that they point to."""

    @classmethod
    def of(cls, shop: Shop) -> Channels:
        return cls(shop.names_of_channels(), shop.channels())


def products(artifacts: Iterable[Artifact], kind: str, channels: Channels) -> Tree:
    found: Tree = {}
    for artifact in artifacts:
        if kind_of(artifact.format, artifact.file, artifact.reference) == kind:
            release = artifact.build.revision.release
            for channel in (*channels.names.get(release.appliance_id, ()), ""):
                found.setdefault(name_of(artifact, channel), about(artifact, channel))
            pointing = channels.pointing.get(release.pk, [])
            product = found[name_of(artifact, pointing[0] if pointing else "")]
            product |= aliases(release, pointing)
            version = product["versions"].setdefault(serial(artifact), version_of(artifact))
            for item, content in (files if kind == "images" else places)(artifact):
                version["items"].setdefault(item, content)
    return found


def about(artifact: Artifact, channel: str) -> Tree:
    title = channel or "former"
    return {
        "arch": artifact.architecture,
        "os": artifact.build.revision.release.appliance.name,
        "release": title,
        "release_title": title,
        "channels": "",
        "aliases": "",
        "requirements": REQUIREMENTS,
        "lxd_requirements": REQUIREMENTS,
        "versions": {},
    }


def aliases(release: Release, channels: list[str]) -> Tree:
    """What people may say instead of an image's hash, when it is one that a channel points to."""
    name = f"{release.appliance.team.slug}/{release.appliance.slug}"
    words = [f"{name}/{each}" for each in (*channels, release.version)] if channels else []
    return {"channels": ",".join(channels), "aliases": ",".join([name] * ("stable" in channels) + words)}


def version_of(artifact: Artifact) -> Tree:
    revision = artifact.build.revision
    release = revision.release
    appliance = release.appliance
    names = (appliance.team.slug, appliance.slug, release.version, artifact.architecture, serial(artifact))
    return {
        "version": release.version,
        "label": f"{release.version} r{revision.number}",
        "pubname": "-".join(names),
        "items": {},
    }


def serial(artifact: Artifact) -> str:
    """A day and a number. They sort as text, and no other revision ever gets the same."""
    revision = artifact.build.revision
    return f"{revision.published_at or NEVER:%Y%m%d}.{revision.pk:010}"


def files(artifact: Artifact) -> Iterator[tuple[str, Tree]]:
    folder = folder_of(artifact.build.revision, artifact.build.revision.release).lstrip("/")
    ftype = FILES.get(artifact.format, artifact.format)
    if artifact.format.startswith("box-"):
        ftype = f"{artifact.format.removeprefix('box-')}.box"
    path = f"{folder}/{artifact.name}"
    yield ftype, {"ftype": ftype, "path": path, "size": artifact.size, "sha256": artifact.sha256}
    if text := artifact.details.get("incus_metadata"):
        data = incus.archive(text)
        metadata = {
            "path": f"{path}{incus.SUFFIX}",
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "combined_disk1-img_sha256": artifact.details["incus_sha256"],
        }
        yield from ((client, {"ftype": client, **metadata}) for client in CLIENTS)


def places(artifact: Artifact) -> Iterator[tuple[str, Tree]]:
    top = "amazonaws.com.cn" if artifact.region.startswith("cn-") else "amazonaws.com"
    yield (
        artifact.region,
        {
            "id": artifact.reference,
            "region": artifact.region,
            "crsn": artifact.region,
            "endpoint": f"https://ec2.{artifact.region}.{top}",
            "root_store": "ssd",
            "virt": "hvm",
        },
    )


def kind_of(format_: str, file: str, reference: str) -> str:
    """Empty: what is kept elsewhere has no path here, and a vCenter is nobody else's."""
    if file:
        return "images"
    return "aws" if format_ == "ami" and reference else ""


def team_of(artifact: Artifact) -> Team:
    return artifact.build.revision.release.appliance.team


def name_of(artifact: Artifact, channel: str) -> str:
    appliance = artifact.build.revision.release.appliance
    return product_name(appliance.team.slug, appliance.slug, channel, artifact.architecture)


def product_name(team: str, appliance: str, channel: str, architecture: str) -> str:
    """Without a channel: of what none points to."""
    return ":".join([domain(), team, appliance, *([channel] if channel else []), architecture])


def domain() -> str:
    """This site's name, however it was reached, last part first: "org.example.images"."""
    host = urlsplit(settings.SITE_URL).hostname or "localhost"
    try:
        return str(ip_address(host)).replace(":", "-")
    except ValueError:
        return ".".join(reversed(host.split(".")))
