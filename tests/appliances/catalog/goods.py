"""A catalog as it is after people published on it: disks that have been read, channels, editions."""

from __future__ import annotations

import io
import struct
from typing import Any

from django.db import transaction
from django.utils import timezone

from appliances import channels
from appliances.models import Appliance, Release
from builds import disks
from builds.models import Artifact
from tests import factories

from .shelves import file, placed

VIRTUAL_SIZE = 2 << 30


def disk(text: str = "") -> bytes:
    """As much of a qcow2 as anybody looks at."""
    return struct.pack(">4sI16xQ", disks.MAGIC, 3, VIRTUAL_SIZE) + text.encode().ljust(4096, b"\0")


def put_on_sale(appliance: Appliance, version: str = "1.0.0", *others: str, regions: tuple[str, ...] = ()) -> Release:
    """A published release with a qcow2, files of the other formats and AMIs in regions."""
    now = timezone.now()
    release = factories.release(appliance=appliance, version=version, state="published", published_at=now)
    rebuild(release, *others, regions=regions)
    return release


def rebuild(release: Release, *others: str, regions: tuple[str, ...] = ()) -> list[Artifact]:
    """Another revision takes the place of the one that was up."""
    now = timezone.now()
    release.revisions.filter(state="published").update(state="superseded")
    revision = factories.revision(release, state="published", published_at=now)
    build = factories.build(revision, state="succeeded", started_at=now, finished_at=now)
    content = disk(str(revision))
    details = disks.read(io.BytesIO(content), "amd64", int(now.timestamp()))
    made = [file(build, "qcow2", content, details=details), *(file(build, each) for each in others)]
    made += placed(build, "ami", *regions) if regions else []
    with transaction.atomic():
        channels.deliver(release.appliance)
    return made


def many(count: int, **fields: Any) -> list[Release]:
    return [put_on_sale(factories.appliance(**fields), "1.0.0", "ova") for _ in range(count)]
