"""The templates that a team's own may extend: what is on the catalog, and the team's own releases by their version."""

from __future__ import annotations

from builds.engine.template import Lookup, NoParent, Parent

from .models import Appliance, Release, Revision, Team
from .states import ReleaseState, RevisionState, Visibility

LISTED = 5


def lookup(team: Team) -> Lookup:
    """Finds "team/appliance", its newest published release, or "team/appliance@version".

    What is published is what was built of it. A draft, which only its own team may name, is what is written in it.
    Another team's drafts, and what only that team can see, are answered for like what does not exist.
    """

    def find(name: str) -> Parent:
        address, _, version = name.partition("@")
        owner, _, slug = address.partition("/")
        appliance = Appliance.objects.filter(team__slug=owner, slug=slug).first()
        own = appliance is not None and appliance.team_id == team.pk
        if appliance is None or not (own or _is_for_others(appliance)):
            raise NoParent(f"there is no appliance {address} on the catalog, nor among those of {team}")
        return _pinned(appliance, version, own=own) if version else _newest(appliance, own=own)

    return find


def _is_for_others(appliance: Appliance) -> bool:
    return appliance.visibility != Visibility.TEAM and appliance.releases.visible().exists()


def _newest(appliance: Appliance, *, own: bool) -> Parent:
    release = appliance.releases.published().order_by("-published_at", "-pk").first()
    if release is None:
        hint = f"Publish one, or name a draft: {appliance}@version." if own else "Extend another appliance."
        raise NoParent(f"{appliance} has no published release", hint=hint)
    return _published(release)


def _pinned(appliance: Appliance, version: str, *, own: bool) -> Parent:
    known = appliance.releases.all() if own else appliance.releases.visible()
    release = known.filter(version=version).first()
    if release is None:
        newest = known.order_by("-created_at").values_list("version", flat=True)[:LISTED]
        raise NoParent(f"{appliance} has no release {version}; the newest are: {', '.join(newest) or 'none'}")
    if release.state == ReleaseState.WITHDRAWN:
        raise NoParent(f"{appliance}@{version} is withdrawn", hint=release.withdrawn_reason)
    return _published(release) if release.state == ReleaseState.PUBLISHED else _draft(release)


def _published(release: Release) -> Parent:
    revision: Revision = release.revisions.get(state=RevisionState.PUBLISHED)
    return Parent(f"{_name(release)} r{revision.number}", revision.template, tuple(revision.extends))


def _draft(release: Release) -> Parent:
    return Parent(f"{_name(release)} draft", release.template)


def _name(release: Release) -> str:
    return f"{release.appliance}@{release.version}"
