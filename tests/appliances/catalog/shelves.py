"""Published things for the tests of the catalog: rows, and files that are really there."""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from appliances import channels
from appliances.models import Appliance, Release
from builds.models import Artifact
from tests import factories

CONTENT = bytes(range(256)) * 40


def published(version: str = "1.0.0", *, formats: tuple[str, ...] = ("qcow2",), **fields: Any) -> Release:
    """A published release, each of whose formats is a file with `CONTENT`."""
    appliance: Appliance = fields.pop("appliance", None) or factories.appliance(
        team=factories.team(slug="acme"), slug="wiki"
    )
    now = timezone.now()
    release = factories.release(appliance=appliance, version=version, state="published", published_at=now, **fields)
    channels.follow(appliance)
    put_up(release, formats)
    return release


def put_up(release: Release, formats: tuple[str, ...] = ("qcow2",), **fields: Any) -> list[Artifact]:
    now = timezone.now()
    revision = factories.revision(release, **{"state": "published", "published_at": now, **fields})
    build = factories.build(revision, state="succeeded", started_at=now, finished_at=now)
    return [file(build, name) for name in formats]


def file(build: Any, format_: str, content: bytes = CONTENT, **fields: Any) -> Artifact:
    release = build.revision.release
    name = fields.pop("name", f"{release.appliance.slug}-{release.version}.{format_}")
    key = default_storage.save(f"builds/{build.pk}/{name}", ContentFile(content))
    return factories.artifact(
        build,
        format=format_,
        name=name,
        file=key,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        **fields,
    )


def placed(build: Any, format_: str, *regions: str, **fields: Any) -> list[Artifact]:
    """Images that are not files, one in each region; the first one was launched."""
    return [
        factories.artifact(
            build,
            format=format_,
            region=region,
            reference=f"{format_}-{region}",
            name="",
            size=0,
            sha256="",
            evidence={} if number else {"boot_seconds": 9.5, "packages": {"bash": "5.2"}},
            **fields,
        )
        for number, region in enumerate(regions)
    ]
