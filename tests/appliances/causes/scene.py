"""Published releases and the bases under them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from appliances import channels
from appliances.causes import bases
from appliances.models import Base, Release, Revision
from appliances.states import ReleaseState, RevisionState
from builds.states import BuildState
from tests import factories

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DAY = timedelta(days=1)
CHILD = """\
base: {{release: {parent}}}
provisioners:
  - shell: {{inline: "true"}}
platforms:
  qemu: {{formats: [qcow2]}}
"""


def published(inputs: str = "old", at: datetime = NOW - DAY, disk: str = "", **fields) -> Revision:
    """A release on the catalog whose only build started from a base made of `inputs`; `disk` is its image's sha256."""
    release = factories.release(state=ReleaseState.PUBLISHED, published_at=at, **fields)
    channels.follow(release.appliance)
    return again(release, inputs, at, disk)


def again(release: Release, inputs: str, at: datetime, disk: str = "") -> Revision:
    """A further revision of it is built and put up."""
    release.revisions.filter(state=RevisionState.PUBLISHED).update(state=RevisionState.SUPERSEDED)
    revision = factories.revision(release, state=RevisionState.PUBLISHED, published_at=at)
    Revision.objects.filter(pk=revision.pk).update(created_at=at)
    revision.refresh_from_db()
    facts = {"base inputs": inputs} if inputs else {}
    build = factories.build(revision, state=BuildState.SUCCEEDED, facts=facts, started_at=at, finished_at=at)
    if disk:
        factories.artifact(build, sha256=disk, file=f"artifacts/{build.pk}/disk.qcow2")
    return revision


def debian(inputs: str, at: datetime) -> Base:
    """The one base that there is was seen to be made of this."""
    bases.link(at)
    base = Base.objects.get(kind="debian")
    bases.see(base, inputs, at)
    base.refresh_from_db()
    return base


def name(revision: Revision) -> str:
    return f"{revision.release.appliance}@{revision.release.version}"


def child(parent: Revision, inputs: str, **fields) -> Revision:
    return published(inputs, template=CHILD.format(parent=name(parent)), **fields)
