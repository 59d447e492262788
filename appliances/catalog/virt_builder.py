"""virt-builder's index: a section for each release that a channel points to, plain and clear-signed.

It reads qcow2 only of what we have, and no other checksum than SHA-512: a disk is listed when both are known.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from appliances import editions, signing
from appliances.models import BuiltFrom
from builds import incus
from builds.models import Artifact

from .answers import answer, listed, with_key
from .offers import Document, Shop, dotted
from .shelf import folder_of

PLAIN, SIGNED = "virt-builder/index", "virt-builder/index.asc"
MEDIA_TYPE = "text/plain; charset=utf-8"


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    shop = listed(request)
    return answer(request, editions.current(), lambda: Document(PLAIN, MEDIA_TYPE, text(shop).encode()))


@require_safe
def signed_index(request: HttpRequest) -> HttpResponse:
    shop = listed(request)
    return answer(
        request, with_key(editions.current()), lambda: Document(SIGNED, MEDIA_TYPE, signing.clear(text(shop)))
    )


def documents(shop: Shop) -> Iterator[Document]:
    written = text(shop)
    yield Document(PLAIN, MEDIA_TYPE, written.encode())
    yield Document(SIGNED, MEDIA_TYPE, signing.clear(written))


def text(shop: Shop) -> str:
    channels = shop.channels()
    systems = systems_of(shop)
    sections: dict[tuple[str, str], str] = {}
    for artifact in shop.goods(format="qcow2", details__virtual_size__gt=0):
        revision = artifact.build.revision
        if pointing := channels.get(revision.release_id):
            key = (name_of(artifact), artifact.architecture)
            sections.setdefault(key, section(shop, artifact, pointing, systems.get(revision.pk, "")))
    return "\n".join(sections.values()) or "# There is no disk.\n"


def section(shop: Shop, artifact: Artifact, channels: list[str], system: str) -> str:
    revision = artifact.build.revision
    release = revision.release
    appliance = release.appliance
    name = dotted(appliance.team.slug, appliance.slug)
    aliases = [f"{name}.{channel}" for channel in channels] + [name] * ("stable" in channels)
    fields = {
        "name": one_line(f"{appliance.name} {release.version}"),
        "osinfo": system,
        "arch": incus.ARCHITECTURES.get(artifact.architecture, artifact.architecture),
        "file": f"..{folder_of(revision, release)}/{artifact.name}",  # it takes no absolute ones
        "checksum[sha512]": artifact.details["sha512"],
        "format": artifact.format,
        "size": artifact.details["virtual_size"],
        "compressed_size": artifact.size,
        "revision": revision.number,
        "aliases": " ".join(aliases),
        "notes": f"{one_line(appliance.summary)}\n {shop.site}{appliance.get_absolute_url()}/{release.version}",
    }
    return f"[{name_of(artifact)}]\n" + "".join(f"{key}={value}\n" for key, value in fields.items() if value != "")


def name_of(artifact: Artifact) -> str:
    release = artifact.build.revision.release
    return f"{dotted(release.appliance.team.slug, release.appliance.slug)}.{release.version}"


def one_line(text: str) -> str:
    return " ".join(text.split())


def systems_of(shop: Shop) -> dict[int, str]:
    """What libosinfo calls the system inside, by the revision's id, where it is one of our own bases."""
    rows = BuiltFrom.objects.filter(revision__release__appliance__in=shop.appliances, base__kind="debian")
    return {revision: title.replace(":", "") for revision, title in rows.values_list("revision", "base__title")}
