"""Taking in the file of a box."""

from __future__ import annotations

import secrets
from contextlib import closing
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from builds.engine.boxes import Limits, open_box
from builds.storage import Readable
from builds.text import storable
from builds.uploads import PREFIX, file_name

from ..models import Release, Revision, Upload, User
from ..states import ReleaseState
from .body import Body
from .declaring import keep
from .files import delete_file, forget
from .publishing import publish
from .rules import Refused, locked, name_of, refuse_if_taken, taking


def receive(upload: Upload, stream: Readable, *, size: int | None, by: User | None) -> Upload:
    """Take the box's file in, as it comes. It is there whole and opened, or what was there before still is.

    Raises Refused for what is broken off, larger or smaller than `size`, has another checksum, or came while
    another one did; BoxError for what is no box; WorkerError when it cannot be stored.
    """
    release = refuse_unless_wanted(upload)
    former = upload.file
    key = f"{PREFIX}/{upload.pk}-{secrets.token_urlsafe(12)}/{file_name(Revision(release=release), upload.frozen())}"
    body = Body(stream, size, upload.checksum_type)
    try:
        stored = default_storage.put_stream(body, key, size=size)
        body.verify(upload.checksum)
        details = _opened(key, upload)
        with transaction.atomic():
            release = locked(upload.release)
            row = release.uploads.select_for_update().filter(pk=upload.pk, file=former).first()
            if row is None or row.key != upload.key or row.checksum != upload.checksum:
                raise Refused(
                    f"While the box for {name_of(upload)} arrived, somebody else changed or uploaded it.",
                    hint="Look what is there now, and upload yours again if it should take its place.",
                )
            refuse_if_taken(release, row.frozen())
            forget(row)
            row.file, row.size, row.sha256, row.url = key, stored.size, stored.sha256, ""
            row.details, row.received_at = details, timezone.now()
            keep(row, "box-received", f"received the box for {name_of(row)}", by=by)
    except BaseException:
        delete_file(key)
        raise
    if release.state == ReleaseState.PUBLISHED:
        publish(release, by=by)
    return row


def refuse_unless_wanted(upload: Upload) -> Release:
    """Raises Refused when `receive()` would, whatever is sent."""
    release = taking(upload.release)
    refuse_if_taken(release, upload.frozen())
    return release


def _opened(key: str, upload: Upload) -> dict[str, Any]:
    """What the stored box tells. BoxError when it is none, or not the one that was declared."""
    with closing(default_storage.stream(key)) as file:
        box = open_box(file, *upload.key, Limits(unpacked=settings.UNPACKED_LIMIT))
    return storable(box.details())
