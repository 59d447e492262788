"""Boxes that were made elsewhere: how they come into a release. One function per verb, as in `releases.py`.

A release whose template names the platform `upload` takes them. What was once published never changes: another
provider can be added to it, in a new revision; to replace or remove one takes a new version.
"""

from __future__ import annotations

import hashlib
import secrets
from contextlib import closing, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.utils import timezone

from builds import queue
from builds.engine import template
from builds.engine.boxes import Limits, open_box
from builds.engine.errors import Problem, TemplateError
from builds.models import Artifact
from builds.storage import Readable
from builds.text import storable
from builds.uploads import PLATFORM, PREFIX, file_name

from . import audit, parents, releases
from .models import Appliance, Release, Revision, Upload, User
from .models.upload import UNKNOWN
from .states import ReleaseState, RevisionState

GENERATED = "# Boxes that were made elsewhere: nothing is built here.\nplatforms: {upload: {}}\n"
"""The beginning of the template that a release for them gets."""
BLOCK = 1024 * 1024
BUILT = "amd64"
"""The architecture of what is built here."""
ORPHAN = timedelta(days=1)
"""A stored file this old that no row names belongs to an upload that has ended."""


class Refused(releases.Refused):
    """It cannot be done with this release, or with this file."""


def template_of(appliance: Appliance) -> str:
    """What a release is given that takes boxes made elsewhere, and builds nothing."""
    checks = appliance.upload_checks.rstrip()
    if not checks.strip():
        return GENERATED
    return f"{GENERATED}checks:\n" + "".join(f"  {line}\n" for line in checks.splitlines())


def takes_boxes(release: Release) -> bool:
    try:
        _taking(release)
    except Refused:
        return False
    return True


def published_keys(release: Release) -> set[tuple[str, str]]:
    """Provider and architecture of the boxes that it was published with: they stay as they are."""
    revisions = release.revisions.filter(published_at__isnull=False)
    return {_key(box) for boxes in revisions.values_list("uploads", flat=True) for box in boxes}


def problems_of_checks(text: str) -> list[Problem]:
    """Everything that is wrong with the checks of boxes, with the lines as people wrote them."""
    try:
        template.parse(template_of(Appliance(upload_checks=text)))
    except TemplateError as error:
        above = template_of(Appliance(upload_checks="-")).count("\n") - 1
        lines = ((each, (each.line or 0) - above) for each in error.problems)
        return [replace(each, line=line if line > 0 else None) for each, line in lines]
    return []


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
        release = _locked(release)
        if release.uploads.filter(provider=provider, architecture=architecture).exists():
            raise Refused(
                f"{release} has a box for {provider} ({architecture}) already.",
                hint="Change that one, or remove it first. What is published takes a new version.",
            )
        _refuse_if_built(release, provider, architecture)
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
        _keep(upload, "box-declared", f"declared a box for {_name(upload)}", by=by)
        if url and release.state == ReleaseState.PUBLISHED:
            _publish(release, by=by)
    return upload


def change(upload: Upload, *, by: User | None, **declared: Any) -> Upload:
    """Declare something else of it. A box that has arrived already must still agree with it, or has to come again."""
    with transaction.atomic():
        release = _locked(upload.release)
        upload = release.uploads.select_for_update().get(pk=upload.pk)
        before = upload.frozen()
        for name, value in declared.items():
            if name not in ("provider", "architecture", "default", "url", "checksum_type", "checksum"):
                raise TypeError(f"an upload has no {name}")
            if value is not None:
                setattr(upload, name, value.lower() if name.startswith("checksum") else value)
        if upload.frozen() == before:
            return upload
        _refuse_if_taken(release, before)
        if upload.url or upload.frozen() != {**before, "default": upload.default}:
            _forget_file(upload)
        _keep(upload, "box-changed", f"changed the box for {_name(upload)}", by=by)
        if upload.url and release.state == ReleaseState.PUBLISHED:
            _publish(release, by=by)
    return upload


def remove(upload: Upload, *, by: User | None) -> None:
    """Take it out of a release that was not published with it, with its file."""
    with transaction.atomic():
        release = _locked(upload.release)
        upload = release.uploads.select_for_update().filter(pk=upload.pk).first() or upload
        if upload.pk is None:
            return
        _refuse_if_taken(release, upload.frozen())
        _forget_file(upload)
        name = _name(upload)
        upload.delete()
        audit.record(release, "box-removed", f"removed the box for {name}", by=by)


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
            release = _locked(upload.release)
            row = release.uploads.select_for_update().filter(pk=upload.pk, file=former).first()
            if row is None or row.key != upload.key or row.checksum != upload.checksum:
                raise Refused(
                    f"While the box for {_name(upload)} arrived, somebody else changed or uploaded it.",
                    hint="Look what is there now, and upload yours again if it should take its place.",
                )
            _refuse_if_taken(release, row.frozen())
            _forget_file(row)
            row.file, row.size, row.sha256, row.url = key, stored.size, stored.sha256, ""
            row.details, row.received_at = details, timezone.now()
            _keep(row, "box-received", f"received the box for {_name(row)}", by=by)
    except BaseException:
        _delete(key)
        raise
    if release.state == ReleaseState.PUBLISHED:
        _publish(release, by=by)
    return row


def refuse_unless_wanted(upload: Upload) -> Release:
    """Raises Refused when `receive()` would, whatever is sent."""
    release = _taking(upload.release)
    _refuse_if_taken(release, upload.frozen())
    return release


def release(release: Release, *, by: User | None) -> Release:
    """Make what has arrived public: at once, or when it has passed its checks. Twice is once."""
    with transaction.atomic():
        release = _locked(release)
        if not any(upload.has_arrived for upload in release.uploads.all()):
            raise Refused(f"No box of {release} has arrived.", hint="Upload one for each provider, then release it.")
        if _is_generated(release):
            release.template = template_of(release.appliance)
            release.save()
    _publish(release, by=by)
    release.refresh_from_db()
    return release


def delete(release: Release, *, by: User | None) -> None:
    """Remove a draft that was never published, with its boxes and all that was built of it."""
    with transaction.atomic():
        release = Release.objects.select_for_update().select_related("appliance__team").get(pk=release.pk)
        if release.published_at or release.revisions.filter(published_at__isnull=False).exists():
            raise Refused(f"{release} was published: people may have it.", hint="Withdraw it instead, and say why.")
        _delete_release(release, by=by)


def delete_appliance(appliance: Appliance, *, by: User | None) -> None:
    """Remove an appliance of which nothing was ever published."""
    with transaction.atomic():
        appliance = Appliance.objects.select_for_update().select_related("team").get(pk=appliance.pk)
        published = appliance.releases.filter(published_at__isnull=False).values_list("version", flat=True)
        if published:
            raise Refused(
                f"Of {appliance} was published: {', '.join(published)}.", hint="Withdraw these versions instead."
            )
        for each in appliance.releases.select_related("appliance__team"):
            _delete_release(each, by=by)
        audit.record(appliance.team, "appliance-deleted", f"deleted {appliance}", by=by)
        appliance.delete()


def sweep() -> list[str]:
    """Remove files of uploads that were broken off, and of those that were replaced when the storage did not answer."""
    swept = []
    for key in list(default_storage.stale(PREFIX, timezone.now() - ORPHAN)):
        if not _is_used(key):
            default_storage.delete(key)
            swept.append(f"{key}: removed, no release has it")
    return swept


def _delete_release(release: Release, *, by: User | None) -> None:
    active = [build for revision in release.revisions.all() for build in revision.builds.active()]
    if active:
        raise Refused(f"{release} is being built.", hint=f"Cancel {active[0]} first.")
    if Artifact.objects.filter(build__revision__release=release).exclude(reference="").exists():
        raise Refused(f"{release} has images in clouds or vCenters.", hint="Keep it as a draft.")
    files = {*Artifact.objects.filter(build__revision__release=release).values_list("file", flat=True)}
    files |= {*release.uploads.values_list("file", flat=True)}
    audit.record(release.appliance, "release-deleted", f"deleted the draft {release.version}", by=by)
    release.delete()
    for key in files - {""}:
        transaction.on_commit(partial(_delete_unless_used, key))


class Body:
    """What somebody sends, counted and summed as it is read."""

    def __init__(self, stream: Readable, size: int | None, checksum_type: str) -> None:
        self._stream, self._size = stream, size
        self._count = 0
        self._sum = hashlib.new(checksum_type, usedforsecurity=False) if checksum_type else None
        if size is not None and size > settings.UPLOAD_LIMIT:
            raise self._too_large()

    def read(self, size: int = -1, /) -> bytes:
        try:
            block = self._stream.read(BLOCK if size < 0 else size)
        except OSError as error:  # the other side is gone
            raise self._broken() from error
        self._count += len(block)
        if self._count > settings.UPLOAD_LIMIT:
            raise self._too_large()
        if self._size is not None and self._count > self._size:
            raise Refused(f"The box is larger than the {self._size:,} bytes that were announced.", hint=AGAIN)
        if not block and self._size is not None and self._count < self._size:
            raise self._broken()
        if self._sum:
            self._sum.update(block)
        return block

    def verify(self, checksum: str) -> None:
        if not self._count:
            raise Refused("The box is empty.", hint="Send the file itself as the request's body.")
        if self._sum and checksum and self._sum.hexdigest() != checksum:
            raise Refused(
                f"The box has the {self._sum.name} {self._sum.hexdigest()}, but {checksum} was declared.",
                hint="Upload the right file, or declare the right checksum.",
            )

    def _broken(self) -> Refused:
        said = f" of {self._size:,}" if self._size is not None else ""
        return Refused(f"The upload broke off after {self._count:,}{said} bytes.", hint=AGAIN)

    def _too_large(self) -> Refused:
        limit = settings.UPLOAD_LIMIT
        return Refused(
            f"The box is larger than the {limit:,} bytes that this server takes.",
            hint="Make it smaller, or have SLIPWAY_UPLOAD_LIMIT raised.",
        )


AGAIN = "Upload it again."


def _locked(release: Release) -> Release:
    """The release, which nobody else changes until the transaction ends. Refused when it takes no boxes."""
    Release.objects.select_for_update().get(pk=release.pk)
    taking = _taking(release)
    if not Release.objects.filter(pk=release.pk, template=taking.template).exists():
        taking.save()
    return taking


def _taking(release: Release) -> Release:
    release = Release.objects.select_related("appliance__team").get(pk=release.pk)
    if release.state == ReleaseState.WITHDRAWN:
        raise Refused(f"{release} is withdrawn.", hint="Restore it first, or make a new version.")
    if not release.template.strip():
        release.template = template_of(release.appliance)
    parsed = _parsed(release)
    if PLATFORM not in parsed.platforms:
        raise Refused(
            f"{release} takes no boxes that were made elsewhere: its template builds on {', '.join(parsed.platforms)}.",
            hint="Add `upload: {}` to `platforms` in its template, or make a version of its own for them.",
        )
    return release


def _parsed(release: Release) -> template.Template:
    lookup = parents.lookup(release.appliance.team)
    try:
        return template.parse(release.template, lookup=lookup, name=str(release.appliance))
    except TemplateError as error:
        raise Refused(f"The template of {release} has problems, so it takes no boxes.", hint=str(error)) from None


def _refuse_if_built(release: Release, provider: str, architecture: str) -> None:
    """One version cannot have two boxes for the same machine."""
    for target in _parsed(release).targets:
        if architecture in (BUILT, UNKNOWN) and f"box-{provider}" in {each.kind.name for each in target.formats}:
            raise Refused(
                f"The template of {release} makes the box for {provider} itself, on {target.platform.kind.name}.",
                hint=f"Take box-{provider} out of its formats, or upload boxes for other providers.",
            )


def _refuse_if_taken(release: Release, box: dict[str, Any]) -> None:
    """What was published never changes, and what is being tested does not change meanwhile."""
    for revision in release.revisions.all():
        if not any((each["provider"], each["architecture"]) == _key(box) for each in revision.uploads):
            continue
        if revision.published_at:
            raise Refused(
                f"{release} was published with its box for {box['provider']} ({box['architecture']}): it stays.",
                hint="Make a new version with another one, or withdraw this version.",
            )
        if revision.state == RevisionState.BUILDING:
            raise Refused(
                f"{revision} is being tested with its box for {box['provider']} ({box['architecture']}).",
                hint="Wait until that has ended, or cancel its build.",
            )


def _key(box: dict[str, Any]) -> tuple[str, str]:
    return box["provider"], box["architecture"]


def _keep(upload: Upload, event: str, text: str, *, by: User | None) -> None:
    upload.full_clean(validate_unique=False)
    upload.save()
    if upload.default:
        others = upload.release.uploads.filter(provider=upload.provider, default=True).exclude(pk=upload.pk)
        others.update(default=False)
    audit.record(upload.release, event, text, by=by)


def _publish(release: Release, *, by: User | None) -> None:
    """A revision of all that has arrived. The images that its template builds itself stay as they are."""
    revision, made = releases.revise(release, by=by, because="boxes made elsewhere", publish=True)
    if made:
        return
    Revision.objects.filter(pk=revision.pk).update(publish_when_ready=True)
    revision.refresh_from_db()
    if revision.state in (RevisionState.READY, RevisionState.REJECTED):
        releases.publish(revision, by=by)
    elif revision.state == RevisionState.FAILED:
        for build in revision.builds.newest_per_platform().unsuccessful():
            queue.retry(build, by=by)


def _opened(key: str, upload: Upload) -> dict[str, Any]:
    """What the stored box tells. BoxError when it is none, or not the one that was declared."""
    with closing(default_storage.stream(key)) as file:
        box = open_box(file, *upload.key, Limits(unpacked=settings.UNPACKED_LIMIT))
    return storable(box.details())


def _is_generated(release: Release) -> bool:
    return release.template.startswith(GENERATED)


def _forget_file(upload: Upload) -> None:
    """Its file goes when the transaction has come to its end, unless a revision has it."""
    if upload.file:
        transaction.on_commit(partial(_delete_unless_used, upload.file))
    upload.file, upload.size, upload.sha256, upload.details, upload.received_at = "", 0, "", {}, None


def _delete_unless_used(key: str) -> None:
    if not _is_used(key):
        _delete(key)


def _is_used(key: str) -> bool:
    return Artifact.objects.filter(file=key).exists() or Upload.objects.filter(file=key).exists()


def _delete(key: str) -> None:
    """What cannot be removed now, `reconcile` sweeps."""
    with suppress(Exception):
        default_storage.delete(key)


def _name(upload: Upload) -> str:
    return upload.provider if upload.architecture == UNKNOWN else f"{upload.provider} ({upload.architecture})"
