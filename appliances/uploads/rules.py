"""Which boxes a release takes, and until when they can be changed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from builds.engine import template
from builds.engine.errors import Problem, TemplateError
from builds.uploads import PLATFORM

from .. import parents, releases
from ..models import Appliance, Release, Upload
from ..models.upload import UNKNOWN
from ..states import ReleaseState, RevisionState

GENERATED = "# Boxes that were made elsewhere: nothing is built here.\nplatforms: {upload: {}}\n"
"""The beginning of the template that a release for them gets."""
BUILT = "amd64"
"""The architecture of what is built here."""


class Refused(releases.Refused):
    """It cannot be done with this release, or with this file."""


def template_of(appliance: Appliance) -> str:
    """What a release is given that takes boxes made elsewhere, and builds nothing."""
    checks = appliance.upload_checks.rstrip()
    if not checks.strip():
        return GENERATED
    return f"{GENERATED}checks:\n" + "".join(f"  {line}\n" for line in checks.splitlines())


def is_generated(release: Release) -> bool:
    return release.template.startswith(GENERATED)


def problems_of_checks(text: str) -> list[Problem]:
    """Everything that is wrong with the checks of boxes, with the lines as people wrote them."""
    try:
        template.parse(template_of(Appliance(upload_checks=text)))
    except TemplateError as error:
        above = template_of(Appliance(upload_checks="-")).count("\n") - 1
        lines = ((each, (each.line or 0) - above) for each in error.problems)
        return [replace(each, line=line if line > 0 else None) for each, line in lines]
    return []


def takes_boxes(release: Release) -> bool:
    try:
        taking(release)
    except Refused:
        return False
    return True


def published_keys(release: Release) -> set[tuple[str, str]]:
    """Provider and architecture of the boxes that it was published with: they stay as they are."""
    revisions = release.revisions.filter(published_at__isnull=False)
    return {key_of(box) for boxes in revisions.values_list("uploads", flat=True) for box in boxes}


def locked(release: Release) -> Release:
    """The release, which nobody else changes until the transaction ends. Refused when it takes no boxes."""
    Release.objects.select_for_update().get(pk=release.pk)
    found = taking(release)
    if not Release.objects.filter(pk=release.pk, template=found.template).exists():
        found.save()
    return found


def taking(release: Release) -> Release:
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


def refuse_if_built(release: Release, provider: str, architecture: str) -> None:
    """One version cannot have two boxes for the same machine."""
    for target in _parsed(release).targets:
        if architecture in (BUILT, UNKNOWN) and f"box-{provider}" in {each.kind.name for each in target.formats}:
            raise Refused(
                f"The template of {release} makes the box for {provider} itself, on {target.platform.kind.name}.",
                hint=f"Take box-{provider} out of its formats, or upload boxes for other providers.",
            )


def refuse_if_taken(release: Release, box: dict[str, Any]) -> None:
    """What was published never changes, and what is being tested does not change meanwhile."""
    for revision in release.revisions.all():
        if not any((each["provider"], each["architecture"]) == key_of(box) for each in revision.uploads):
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


def key_of(box: dict[str, Any]) -> tuple[str, str]:
    return box["provider"], box["architecture"]


def name_of(upload: Upload) -> str:
    return upload.provider if upload.architecture == UNKNOWN else f"{upload.provider} ({upload.architecture})"
