"""What happens to releases in many tests."""

from __future__ import annotations

from appliances import releases
from appliances.models import Release, Revision
from appliances.states import RevisionState
from builds.models import Build
from builds.states import BuildState


def finish(revision: Revision, state: str = BuildState.SUCCEEDED) -> None:
    """Its active builds end."""
    for build in revision.builds.active():
        Build.objects.filter(pk=build.pk).update(state=state)
    revision.settle()


def published(release: Release) -> Revision:
    """A revision of it that was built and put up."""
    revision, _ = releases.revise(release, by=None)
    finish(revision)
    assert revision.state == RevisionState.PUBLISHED
    return revision


def change(release: Release, comment: str = "# changed") -> None:
    """Somebody edits the template."""
    release.template += f"{comment}\n"
    release.save()
