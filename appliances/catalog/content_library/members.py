"""The files inside the OVAs. An OVA is a plain tar, so each of them is a range of the stored file: there is no copy."""

from __future__ import annotations

import logging
import tarfile
from collections.abc import Iterable

from django.core.files.storage import default_storage
from django.db.models import QuerySet

from builds.engine.tar import Member, members
from builds.models import Artifact

OVA = "ova"
REVISION = "build__revision"
RELEASE = f"{REVISION}__release"
# Long texts, of which the documents say nothing.
UNREAD = (
    "evidence",
    *(f"{REVISION}__{name}" for name in ("template", "values", "origins")),
    *(f"{RELEASE}__{name}" for name in ("template", "values", "notes")),
    *(f"{RELEASE}__appliance__{name}" for name in ("description", "credentials")),
)

logger = logging.getLogger(__name__)


def in_library(artifacts: QuerySet[Artifact]) -> list[Artifact]:
    """Of what is on offer the OVA of each release that has one, newest release first."""
    # vCenter knows no architectures. What its hosts run, amd64, sorts first.
    order = (f"-{RELEASE}__published_at", f"-{RELEASE}", "architecture", "pk")
    found: dict[int, Artifact] = {}
    for artifact in artifacts.filter(format=OVA).exclude(file="").order_by(*order).defer(*UNREAD):
        found.setdefault(artifact.build.revision.release_id, artifact)
    return look_up(found.values())


def look_up(artifacts: Iterable[Artifact]) -> list[Artifact]:
    """Those that are whole OVAs. What was looked up once is kept in the row."""
    known = list(artifacts)
    new = [each for each in known if not each.members]
    for each in new:
        each.members = list(read(each))
    Artifact.objects.bulk_update([each for each in new if each.members], ["members"], batch_size=500)
    return [each for each in known if each.members]


def read(artifact: Artifact) -> list[Member]:
    """From the stored file's headers; nothing when it is no OVA or cannot be had."""

    def part(start: int, stop: int) -> bytes:
        return default_storage.part(artifact.file, start, stop).read()

    try:
        return list(members(part))
    except (OSError, tarfile.TarError) as error:
        logger.warning("%s is in no content library: %s", artifact.file, error)
        return []


def members_of(artifact: Artifact) -> list[Member]:
    return [Member(*each) for each in artifact.members]
