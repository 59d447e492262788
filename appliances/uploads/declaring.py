"""Saying which boxes there will be."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from .. import audit
from ..models import Release, Upload, User
from ..models.upload import UNKNOWN
from ..states import ReleaseState
from .files import forget
from .publishing import publish
from .rules import Refused, locked, name_of, refuse_if_built, refuse_if_taken


def declare(
    release: Release,
    provider: str,
    *,
    by: User | None,
    architecture: str = UNKNOWN,
    default: bool | None = None,
    url: str = "",
    checksum_type: str = "",
    checksum: str = "",
) -> Upload:
    """Say that there will be a box for this provider, or, with `url`, that it is kept there.

    Raises ValidationError for what is wrong in itself, Refused for what this release does not take.
    """
    with transaction.atomic():
        release = locked(release)
        if release.uploads.filter(provider=provider, architecture=architecture).exists():
            raise Refused(
                f"{release} has a box for {provider} ({architecture}) already.",
                hint="Change that one, or remove it first. What is published takes a new version.",
            )
        refuse_if_built(release, provider, architecture)
        first = not release.uploads.filter(provider=provider).exists()
        upload = Upload(
            release=release,
            provider=provider,
            architecture=architecture,
            default=first if default is None else default,
            url=url,
            checksum_type=checksum_type.lower(),
            checksum=checksum.lower(),
        )
        keep(upload, "box-declared", f"declared a box for {name_of(upload)}", by=by)
        if url and release.state == ReleaseState.PUBLISHED:
            publish(release, by=by)
    return upload


def change(upload: Upload, *, by: User | None, **declared: Any) -> Upload:
    """Declare something else of it. A box that has arrived already must still agree with it, or has to come again."""
    with transaction.atomic():
        release = locked(upload.release)
        upload = release.uploads.select_for_update().get(pk=upload.pk)
        before = upload.frozen()
        for name, value in declared.items():
            if name not in ("provider", "architecture", "default", "url", "checksum_type", "checksum"):
                raise TypeError(f"an upload has no {name}")
            if value is not None:
                setattr(upload, name, value.lower() if name.startswith("checksum") else value)
        if upload.frozen() == before:
            return upload
        refuse_if_taken(release, before)
        if upload.url or upload.frozen() != {**before, "default": upload.default}:
            forget(upload)
        keep(upload, "box-changed", f"changed the box for {name_of(upload)}", by=by)
        if upload.url and release.state == ReleaseState.PUBLISHED:
            publish(release, by=by)
    return upload


def remove(upload: Upload, *, by: User | None) -> None:
    """Take it out of a release that was not published with it, with its file."""
    with transaction.atomic():
        release = locked(upload.release)
        upload = release.uploads.select_for_update().filter(pk=upload.pk).first() or upload
        if upload.pk is None:
            return
        refuse_if_taken(release, upload.frozen())
        forget(upload)
        name = name_of(upload)
        upload.delete()
        audit.record(release, "box-removed", f"removed the box for {name}", by=by)


def keep(upload: Upload, event: str, text: str, *, by: User | None) -> None:
    upload.full_clean(validate_unique=False)
    upload.save()
    if upload.default:
        others = upload.release.uploads.filter(provider=upload.provider, default=True).exclude(pk=upload.pk)
        others.update(default=False)
    audit.record(upload.release, event, text, by=by)
