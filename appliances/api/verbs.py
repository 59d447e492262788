"""What is done with a release: build, rebuild, publish, reject, withdraw, restore, roll back; each safe to repeat."""

from __future__ import annotations

from typing import Annotated

from django.http import Http404, HttpRequest
from ninja import Router
from pydantic import Field

from appliances import releases
from appliances.models import Release, Revision, Scope
from appliances.permissions import can_maintain

from .access import Bearer
from .problems import Flaw, invalid
from .releases import ONE, ReleaseShape
from .revisions import RevisionShape
from .shapes import Input, Output

router = Router(tags=["Verbs"])
BUILD, PUBLISH = Bearer(Scope.BUILD), Bearer(Scope.PUBLISH)
Note = Annotated[str, Field(max_length=2000, description="Why: your team reads it in the audit log.")]
Number = Annotated[int | None, Field(ge=1, le=2**31 - 1, description="The revision's; the newest by default.")]


class Built(Output):
    created: bool = Field(description="False: nothing has changed since this revision, so nothing is built.")
    revision: RevisionShape


class Rebuild(Input):
    platform: str | None = Field(None, description="Only this one's images; the others are carried over.")
    layers: bool = Field(True, description="Go on from kept states where they fit; false: run every step again.")


class Publish(Input):
    revision: Number = None
    note: Note = ""


class Reject(Input):
    revision: Number = None
    note: str = Field(min_length=1, max_length=2000, description="Why: your team reads it beside the revision.")


class Withdraw(Input):
    reason: str = Field(min_length=1, max_length=10_000, description="Everybody who opens its page reads this.")
    instead: str | None = Field(
        None, max_length=64, description="The version to use in its place; the catalog chooses one by default."
    )


class RollBack(Input):
    seen: int | None = Field(
        None, ge=1, le=2**31 - 1, description="The number that you saw published: when another is up, nothing happens."
    )


ALL, NEWEST, UNSEEN = Rebuild(), Publish(), RollBack()  # what an empty body means


@router.post(f"{ONE}/build", auth=BUILD, response=Built)
def build_release(request: HttpRequest, team: str, appliance: str, version: str) -> Built:
    """Freeze what is written as a revision, and build it on all its platforms. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    revision, created = releases.revise(release, by=request.auth.user)
    return Built(created=created, revision=RevisionShape.of(revision))


@router.post(f"{ONE}/rebuild", auth=BUILD, response=RevisionShape)
def rebuild_release(
    request: HttpRequest, team: str, appliance: str, version: str, body: Rebuild = ALL
) -> RevisionShape:
    """Make the images again from the same inputs; without `layers` with today's packages. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    wanted = {"platform": body.platform, "layers": body.layers}
    return RevisionShape.of(releases.rebuild(release, by=request.auth.user, **wanted))


@router.post(f"{ONE}/publish", auth=PUBLISH, response=RevisionShape)
def publish_release(
    request: HttpRequest, team: str, appliance: str, version: str, body: Publish = NEWEST
) -> RevisionShape:
    """Put a finished revision on the catalog, all its images at once. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    revision = revision_of(release, body.revision)
    releases.publish(revision, by=request.auth.user, note=body.note)
    return RevisionShape.of(revision)


@router.post(f"{ONE}/reject", auth=PUBLISH, response=RevisionShape)
def reject_release(request: HttpRequest, team: str, appliance: str, version: str, body: Reject) -> RevisionShape:
    """Decide that a finished revision is not published; it can still be, on second thoughts. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    revision = revision_of(release, body.revision)
    releases.reject(revision, note=body.note, by=request.auth.user)
    return RevisionShape.of(revision)


@router.post(f"{ONE}/withdraw", auth=PUBLISH, response=ReleaseShape)
def withdraw_release(request: HttpRequest, team: str, appliance: str, version: str, body: Withdraw) -> ReleaseShape:
    """Take it off every index. Its page stays and tells the reason. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    instead = release.appliance.releases.published().filter(version=body.instead).first() if body.instead else None
    if body.instead and instead is None:
        raise invalid(Flaw(path="instead", message=f"{release.appliance} has no published version {body.instead}"))
    releases.withdraw(release, reason=body.reason, instead=instead, by=request.auth.user)
    return ReleaseShape.of(release)


@router.post(f"{ONE}/restore", auth=PUBLISH, response=ReleaseShape)
def restore_release(request: HttpRequest, team: str, appliance: str, version: str) -> ReleaseShape:
    """Show a withdrawn release again, with the revision that it had. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    releases.restore(release, by=request.auth.user)
    return ReleaseShape.of(release)


@router.post(f"{ONE}/roll-back", auth=PUBLISH, response=RevisionShape)
def roll_back_release(
    request: HttpRequest, team: str, appliance: str, version: str, body: RollBack = UNSEEN
) -> RevisionShape:
    """Put the revision back up that was published before the present one. Maintainers only."""
    release = request.auth.release(team, appliance, version, can_maintain)
    return RevisionShape.of(releases.roll_back(release, by=request.auth.user, seen=body.seen))


def revision_of(release: Release, number: int | None) -> Revision:
    """The one of this number, or else the newest."""
    revision = release.revisions.filter(number=number).first() if number else release.revisions.first()
    if revision is None and number is None:
        raise releases.Refused(f"{release} was never built.", hint="Build it first.")
    if revision is None:
        raise Http404
    return revision
