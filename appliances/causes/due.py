"""What should be rebuilt because something that it was built from has changed, and what stands against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import QuerySet

from appliances import clock
from appliances.models import Base, BuiltFrom, Rebuild, Release, Revision
from appliances.models.base import RELEASE
from appliances.states import Cause, RebuildPolicy, RebuildState, RevisionState

from . import rebuilds
from .current import current


@dataclass(frozen=True)
class Due:
    """A published revision and a base of it that is another one now."""

    revision: Revision
    base: Base

    @property
    def release(self) -> Release:
        return self.revision.release

    @property
    def cause(self) -> Cause:
        return Cause.PARENT if self.base.is_release else Cause.BASE

    @property
    def because(self) -> str:
        return f"{self.base.title[:200]} changed"


def due(revisions: Iterable[Revision]) -> list[Due]:
    """Each revision once, with the first of its bases that has changed."""
    found: dict[int, Due] = {}
    by_key = {revision.pk: revision for revision in revisions}
    for row in BuiltFrom.objects.filter(revision__in=by_key).select_related("base").order_by("revision", "platform"):
        if row.is_outdated:
            found.setdefault(row.revision_id, Due(by_key[row.revision_id], row.base))
    return [found[key] for key in by_key if key in found]


def ask(now: datetime) -> list[str]:
    """Ask for the rebuilds that the appliances' policies want."""
    asked = []
    for each in due(current()):
        if wanted(each, now) and not tried(each) and not held(each.release) and not circle(each.release):
            rebuilds.ask(each.release, by=None, cause=each.cause, because=each.because, now=now, via="base")
            asked.append(f"{each.release}: is rebuilt, {each.because}")
    return asked


def wanted(each: Due, now: datetime) -> bool:
    """Does its appliance's policy say that it is time?"""
    policy = each.release.appliance.rebuild_policy
    if policy == RebuildPolicy.NIGHTLY:
        return each.base.seen_at is not None and next_night(each.base.seen_at) <= now
    return policy == RebuildPolicy.IMMEDIATELY


def next_night(after: datetime) -> datetime:
    return clock.following(f"0 {settings.NIGHT_HOUR} * * *", settings.TIME_ZONE, after)


def tried(each: Due) -> bool:
    """One change of a base causes one rebuild: what failed, or was cancelled, is a person's to try again."""
    since = each.base.seen_at
    asked = each.release.rebuilds.exclude(state=RebuildState.REFUSED).filter(asked_at__gte=since)
    return asked.exists() or each.release.revisions.filter(created_at__gte=since).exists()


def held(release: Release) -> str:
    """Why nothing is rebuilt by itself now: a change of somebody's is on its way, and must not be overtaken."""
    newest = release.revisions.first()
    if newest is None or newest.state == RevisionState.PUBLISHED:
        return ""
    if newest.state == RevisionState.BUILDING:
        return f"r{newest.number} is being built"
    published = release.revisions.filter(state=RevisionState.PUBLISHED).first()
    if newest.state == RevisionState.READY and published and newest.digest != published.digest:
        return f"r{newest.number} is ready and nobody has decided about it"
    return ""


def circle(release: Release) -> str:
    """ "acme/a 1 → acme/b 1 → acme/a 1" when it is, by way of others, built from itself: it would never end."""
    start = f"{release.appliance}@{release.version}"
    paths = [(start,)]
    seen = {start}
    while paths:
        path = paths.pop()
        for name in parents(path[-1]):
            if name == start:
                return " → ".join([*path, name])
            if name not in seen:
                seen.add(name)
                paths.append((*path, name))
    return ""


def parents(name: str) -> QuerySet[BuiltFrom, str]:
    """The names ("team/appliance@version") of the releases that this one is built from."""
    team, _, rest = name.partition("/")
    slug, _, version = rest.partition("@")
    rows = BuiltFrom.objects.published().filter(
        base__kind=RELEASE,
        revision__release__version=version,
        revision__release__appliance__slug=slug,
        revision__release__appliance__team__slug=team,
    )
    return rows.values_list("base__title", flat=True).distinct()


def standing(each: Due) -> str:
    """What becomes of it, in words."""
    release = each.release
    if path := circle(release):
        return f"only by hand: it is built from itself, {path}"
    if Rebuild.objects.waiting().filter(release=release).exists():
        return "its rebuild waits for its turn"
    if why := held(release):
        return f"waits: {why}"
    if tried(each):
        newest = release.revisions.first()
        if newest == each.revision:
            return "only by hand: it was built after the change and yet from the former. Have all workers one mirror?"
        return f"was tried since: r{newest.number} {newest.state}" if newest else ""
    policy = release.appliance.rebuild_policy
    if policy == RebuildPolicy.BY_HAND:
        return "waits for a person"
    return "in the next night" if policy == RebuildPolicy.NIGHTLY else "within a minute"
