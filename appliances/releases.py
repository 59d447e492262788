"""What people do with a release: one function per verb. Pages, the API, the admin and scripts call these.

Each is one transaction and safe to repeat: a double click does nothing twice. What cannot be done raises Refused.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from django.core.exceptions import ValidationError
from django.db import transaction

from builds import queue, uploads
from builds.engine.errors import SlipwayError
from builds.moves import Lost

from . import audit, statuses
from .channels import USUAL, deliver
from .commits import NO_COMMIT, Commit
from .inputs import Inputs
from .models import Appliance, Channel, Release, Revision, User
from .models.channel import channel_validator
from .moves import move_release, move_revision, put_up
from .states import Cause, ReleaseState, RevisionState


class Refused(SlipwayError):  # noqa: N818
    """The release is in a state in which this cannot be done."""


def revise(
    release: Release,
    *,
    by: User | None,
    cause: Cause = Cause.CHANGE,
    because: str = "",
    commit: Commit = NO_COMMIT,
    listing: Collection[str] | None = None,
    publish: bool = False,
) -> tuple[Revision, bool]:
    """Freeze what is written in the release and build it. The same inputs make no second: (newest, False).

    `because` says what caused it, for people: "push of a1b2c3d to main". `listing`: as for `Inputs.of`.
    With `publish` it goes up as soon as it is ready, whatever its appliance does by itself.

    Raises TemplateError with every problem of the template, SourceError when the source cannot be had.
    """
    while True:
        release.refresh_from_db()
        inputs = Inputs.of(release, listing)  # asks the git server: not inside the transaction
        with transaction.atomic():
            if not Release.objects.select_for_update().filter(pk=release.pk, **Inputs.written(release)).exists():
                continue  # somebody saved the release meanwhile
            newest = release.revisions.first()
            if newest and newest.digest == inputs.digest:
                return newest, False
            why = {"cause": cause, "because": because, "commit": commit}
            former = _same_but_for_uploads(newest, inputs)
            only = uploads.PLATFORM if former else None
            return _build(
                release, inputs, by=by, event="revised", **why, only=only, former=former, publish=publish
            ), True


def refuse(release: Release, error: str, *, cause: Cause, because: str, commit: Commit) -> tuple[Revision, bool]:
    """Write down that what is in the release cannot be built, as a failed revision: what is published stays.

    The same inputs make no second: (newest, False).
    """
    with transaction.atomic():
        release = Release.objects.select_for_update().get(pk=release.pk)
        newest = release.revisions.first()
        inputs = Inputs.unchecked(release, commit.id)
        if newest and newest.digest == inputs.digest:
            return newest, False
        why = {"cause": cause, "because": because, "error": error, **commit.fields()}
        number = newest.number + 1 if newest else 1
        revision = release.revisions.create(number=number, state=RevisionState.FAILED, **why, **inputs.fields())
        audit.record(revision, "refused", f"refused: {because}", by=None, note=error)
        statuses.wish(revision)
        return revision, True


def rebuild(
    release: Release,
    *,
    by: User | None,
    platform: str | None = None,
    cause: Cause = Cause.REBUILD,
    because: str = "",
    layers: bool = True,
) -> Revision:
    """Make the images again from the same inputs: for security updates, or a new base.

    With `platform` only that one's; the others' are carried over. Without `layers` every step is run again. While a
    rebuild is under way, returns it.
    """
    with transaction.atomic():
        release = Release.objects.select_for_update().get(pk=release.pk)
        newest = release.revisions.first()
        if newest is None:
            raise Refused(f"{release} was never built.", hint="Build it first.")
        source = release.revisions.filter(state=RevisionState.PUBLISHED).first() or newest
        if newest.state == RevisionState.BUILDING and newest.digest == source.digest:
            return newest
        if platform and platform not in source.platforms:
            raise Refused(f"{source} has no platform {platform}.", hint=f"It has: {', '.join(source.platforms)}.")
        if not source.platforms:
            raise Refused(f"{source} could not be built at all.", hint="Mend what its page says, and push or save it.")
        why = {"cause": cause, "because": because, "commit": Commit.of(source)}
        inputs = Inputs.of_revision(source)
        return _build(release, inputs, by=by, event="rebuilt", **why, only=platform, former=source, layers=layers)


def publish(revision: Revision, *, by: User | None, note: str = "") -> None:
    """Put a finished revision on the catalog, all its artifacts in one step. `note`: why, for those who come later."""
    with transaction.atomic():
        release = Release.objects.select_for_update().get(pk=revision.release_id)
        revision.refresh_from_db()
        if revision.state == RevisionState.PUBLISHED:
            return
        if release.state == ReleaseState.WITHDRAWN:
            raise Refused(f"{release} is withdrawn.", hint="Restore the release first, then publish.")
        if revision.state not in (RevisionState.READY, RevisionState.REJECTED):
            raise Refused(
                f"{revision} is {revision.state}, so it cannot be published.",
                hint="Only a revision whose builds and checks all succeeded can: retry what failed, or roll back.",
            )
        put_up(revision, by=by, note=note)


def reject(revision: Revision, *, note: str, by: User | None) -> None:
    """Decide that a finished revision is not published. Its images are kept; `publish()` can still put it up."""
    with transaction.atomic():
        try:
            move_revision(revision, RevisionState.READY, RevisionState.REJECTED)
        except Lost:
            revision.refresh_from_db()
            if revision.state != RevisionState.REJECTED:
                raise Refused(
                    f"{revision} is {revision.state}: it does not wait for anybody.",
                    hint="What is published can be rolled back or withdrawn.",
                ) from None
        else:
            audit.record(revision, "rejected", by=by, note=note)


def promote(release: Release, channel: str, *, by: User | None, note: str = "") -> Channel:
    """Let a channel point to this release, until another is promoted or it goes back to `follow_versions()`."""
    with transaction.atomic():
        appliance = Appliance.objects.select_for_update().get(pk=release.appliance_id)
        release = appliance.releases.get(pk=release.pk)
        if release.state != ReleaseState.PUBLISHED:
            raise Refused(
                f"{release} is {release.state}: a channel points to what is published.", hint="Publish it first."
            )
        try:
            channel_validator(channel)
        except ValidationError as error:
            raise Refused(f"“{channel}” is no name of a channel.", hint=error.messages[0]) from None
        row, _ = appliance.channels.get_or_create(name=channel)
        if row.pinned_id != release.pk:
            before = ", ".join(release.channels.exclude(name=channel).values_list("name", flat=True))
            row.pinned = release
            row.save(update_fields=["pinned"])
            deliver(appliance)
            audit.record(
                release, "promoted", f"promoted{f' from {before}' if before else ''} to {channel}", by=by, note=note
            )
    row.refresh_from_db()
    return row


def follow_versions(channel: Channel, *, by: User | None, note: str = "") -> None:
    """Let a channel choose its release by the versions again; one that cannot is gone with that."""
    with transaction.atomic():
        appliance = Appliance.objects.select_for_update().get(pk=channel.appliance_id)
        usual = channel.name in USUAL
        if usual:
            done = Channel.objects.filter(pk=channel.pk, pinned__isnull=False).update(pinned=None)
        else:
            done, _ = Channel.objects.filter(pk=channel.pk).delete()
        if done:
            deliver(appliance)
            text = f"{channel.name} follows the versions again" if usual else f"removed the channel {channel.name}"
            audit.record(appliance, "unpinned", text, by=by, note=note)


def withdraw(release: Release, *, reason: str, by: User | None, instead: Release | None = None) -> None:
    """Take a published release off every index. Its page stays and tells the reason; see `restore()`.

    `instead` is what people are sent to; without one the catalog chooses.
    """
    if instead and (instead.appliance_id != release.appliance_id or instead.pk == release.pk):
        raise Refused(f"{instead} cannot be used instead of {release}.", hint="Name another version of this appliance.")
    with transaction.atomic():
        said = {"withdrawn_reason": reason, "instead": instead}
        try:
            move_release(release, ReleaseState.PUBLISHED, ReleaseState.WITHDRAWN, **said)
        except Lost:
            release.refresh_from_db()
            if release.state != ReleaseState.WITHDRAWN:
                raise Refused(f"{release} was never published.", hint="There is nothing to withdraw.") from None
        else:
            text = f"withdrawn; {instead.version} is to be used instead" if instead else ""
            audit.record(release, "withdrawn", text, by=by, note=reason)
            deliver(release.appliance)


def restore(release: Release, *, by: User | None) -> None:
    """Show a withdrawn release again, with the revision that it had."""
    with transaction.atomic():
        said = {"withdrawn_reason": "", "instead": None}
        try:
            move_release(release, ReleaseState.WITHDRAWN, ReleaseState.PUBLISHED, **said)
        except Lost:
            release.refresh_from_db()
            if release.state != ReleaseState.PUBLISHED:
                raise Refused(f"{release} was never published.", hint="Publish a revision of it.") from None
        else:
            audit.record(release, "restored", by=by)
            deliver(release.appliance)


def roll_back(release: Release, *, by: User | None, seen: int | None = None) -> Revision:
    """Put the revision back up that was published before the present one; returns what is up now.

    `seen` is the number of the revision that the person saw as published: when another is up, nothing happens.
    """
    with transaction.atomic():
        release = Release.objects.select_for_update().get(pk=release.pk)
        current = release.revisions.filter(state=RevisionState.PUBLISHED).first()
        if current is None:
            raise Refused(f"{release} has no published revision.", hint="There is nothing to roll back from.")
        if seen not in (None, current.number):
            return current
        former = release.revisions.filter(
            state=RevisionState.SUPERSEDED, published_at__isnull=False, number__lt=current.number
        ).first()
        if former is None:
            raise Refused(f"Nothing was published before {current}.", hint="Withdraw the release instead.")
        put_up(former, by=by, name="rolled-back", text=f"rolled back from r{current.number}")
        return former


def _build(
    release: Release,
    inputs: Inputs,
    *,
    by: User | None,
    event: str,
    cause: Cause,
    because: str,
    commit: Commit,
    only: str | None = None,
    former: Revision | None = None,
    publish: bool = False,
    layers: bool = True,
) -> Revision:
    """A new revision with its builds; older ones that no worker has finished with give way to it."""
    newest = release.revisions.first()
    number = newest.number + 1 if newest else 1
    why = {"cause": cause, "because": because, "created_by": by, **commit.fields()}
    revision = release.revisions.create(number=number, publish_when_ready=publish, **why, **inputs.fields())
    for older in release.revisions.filter(state=RevisionState.BUILDING).exclude(pk=revision.pk):
        _give_way(older, by=by)
    done = queue.carry_over(former, revision, except_for=only) if former and only else set()
    if uploads.PLATFORM in set(revision.platforms) - done and not uploads.are_tested(revision):
        done.add(uploads.take_in(revision, by=by).platform)
    statuses.wish(revision)
    missing = [name for name in revision.platforms if name not in done]
    queue.queue_builds(revision, missing, by=by, layers=layers)
    audit.record(revision, event, f"{event}: {because}" if because else "", by=by)
    if done == set(revision.platforms):
        revision.settle()
    return revision


def _same_but_for_uploads(newest: Revision | None, inputs: Inputs) -> Revision | None:
    """The newest revision if its other images need not be made again: only boxes made elsewhere have come."""
    if newest is None or newest.state == RevisionState.BUILDING or not inputs.uploads:
        return None
    return newest if replace(Inputs.of_revision(newest), uploads=inputs.uploads).digest == inputs.digest else None


def _give_way(older: Revision, *, by: User | None) -> None:
    """An older revision whose builds still wait will not be finished: a newer one makes it pointless."""
    if not older.builds.queued().exists():
        return  # all its builds are under way or done: let it come to its end
    move_revision(older, RevisionState.BUILDING, RevisionState.SUPERSEDED)
    for build in older.builds.active():
        queue.cancel(build, by=by, reason="A newer revision took its place.")
