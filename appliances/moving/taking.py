"""One box after the other becomes an appliance here, with its versions, oldest first.

Each step is safe to repeat: what is here already is not fetched again, and a version shows only when its boxes are here.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field

from django.core.exceptions import ValidationError
from django.db import transaction

from appliances import audit, releases, uploads
from appliances.models import Appliance, Event, Release, Team, Upload
from appliances.models.release import version_validator
from appliances.states import ReleaseState, RevisionState, Visibility
from builds.engine.errors import SlipwayError, WorkerError
from builds.models import Artifact

from .boxes import Box, Provider, Version
from .constraint import Constraint
from .downloads import Downloads, Wanted
from .progress import Screen
from .report import Outcome, Report, Row
from .source import Source
from .web import Unreachable, origin

Key = tuple[str, str]
"""(provider, architecture)"""
Sums = dict[str, str]
"""Hex digits by the checksum's type, as far as they are known."""


@dataclass
class Import:
    source: Source
    downloads: Downloads
    screen: Screen
    report: Report
    constraint: Constraint = field(default_factory=Constraint)
    dry_run: bool = False

    def take(self, name: str, team: Team) -> None:
        """Everything of one box that is not here yet. Raises WorkerError or Unreachable when it is no use to go on."""
        try:
            box = self.source.box(name)
            appliance = self._appliance(box, team)
        except (WorkerError, Unreachable):
            raise
        except (SlipwayError, ValidationError) as error:
            return self._left(name, error)
        for version in box.oldest_first():
            try:
                version_validator(version.version)
            except ValidationError:
                self._left(name, "Vagrant’s Ruby cannot parse this version.", version)
                continue
            if self.constraint.holds(version.version):
                self._version(box, version, appliance)

    def _version(self, box: Box, version: Version, appliance: Appliance) -> None:
        release = appliance.releases.filter(version=version.version).first() if appliance.pk else None
        here = boxes_of(release) if release else {}
        missing = [each for each in version.providers if key(each) not in here]
        for each in version.providers:
            if key(each) in here:
                self._present(box, version, each, here[key(each)])
        if missing and release and release.state == ReleaseState.WITHDRAWN:
            why = "The release is withdrawn here, and nothing is added to it."
            for each in missing:
                self._left(box.name, why, version, each)
            return
        if not version.providers and version.status == "active":
            return self._left(box.name, "It has no box there.", version)
        if self.dry_run:
            for each in missing:
                self._row(box.name, Outcome.PLANNED, version, each)
            return
        release = release or draft(appliance, version)
        taken = [self._provider(box, version, each, release) for each in missing]
        self._publish(box, version, release, any(taken))

    def _present(self, box: Box, version: Version, provider: Provider, known: Sums) -> None:
        kind, digits = provider.sum
        if known.get(kind, digits) == digits:
            return self._row(box.name, Outcome.HERE, version, provider)
        hint = "Published boxes never change: let the source publish it under a new version."
        self._left(box.name, SlipwayError("Another box is here under the same name.", hint=hint), version, provider)

    def _provider(self, box: Box, version: Version, provider: Provider, release: Release) -> bool:
        """Bring one box; False when that was not possible, which is written down."""
        url = self.source.address(provider.address)
        title = f"{box.name} {version.version} {provider}"
        wanted = Wanted(url, f"{self.source.url} {title} {' '.join(provider.sum)}", provider.sum)
        try:
            if not provider.address:
                raise SlipwayError("Nothing was uploaded for it there.")
            with self.screen.transfer(title) as hear, self.downloads.fetched(wanted, hear) as file:
                size = os.fstat(file.fileno()).st_size
                receive(release, provider, file, size)
        except WorkerError:
            raise
        except (SlipwayError, ValidationError) as error:
            if isinstance(error, Unreachable) and origin(url) == origin(self.source.url):
                raise
            self._left(box.name, error, version, provider)
            return False
        self._row(box.name, Outcome.TAKEN, version, provider, size=size)
        return True

    def _publish(self, box: Box, version: Version, release: Release, news: bool) -> None:
        """Let it stand here as it stands there, with its dates; all in one step."""
        try:
            with transaction.atomic():
                release = Release.objects.select_for_update().get(pk=release.pk)
                if version.status == "unreleased" or not any(each.has_arrived for each in release.uploads.all()):
                    return
                first = release.state == ReleaseState.DRAFT
                if version.status == "revoked" and first and release.appliance.upload_checks:
                    return self._note(box, version, "It was revoked there, so it stays a draft here.")
                if first or news:
                    release = uploads.release(release, by=None)
                    release.refresh_from_db()
                if first and release.state == ReleaseState.PUBLISHED:
                    date(release, version)
                    hush(release)
                if version.status == "revoked" and release.state == ReleaseState.PUBLISHED:
                    reason = release.withdrawn_reason or f"Revoked on {self.source.url}."
                    releases.withdraw(release, reason=reason, by=None)
        except (SlipwayError, ValidationError) as error:
            self._left(box.name, error, version)

    def _appliance(self, box: Box, team: Team) -> Appliance:
        """The row, or what would be one; raises ValidationError when this cannot be its name."""
        slug = box.name.partition("/")[2]
        found = team.appliances.filter(slug=slug).first()
        if found:
            return found
        appliance = Appliance(
            team=team,
            slug=slug,
            name=slug[:100],
            summary=(" ".join(box.summary.split()) or f"The Vagrant box {box.name}.")[:160],
            description=box.notes,
            visibility=Visibility.TEAM if box.private else Visibility.PUBLIC,
        )
        appliance.full_clean()
        if not self.dry_run:
            with transaction.atomic():
                appliance.save()
                if box.created_at:
                    Appliance.objects.filter(pk=appliance.pk).update(created_at=box.created_at)
                audit.record(appliance, "appliance-created", by=None)
        return appliance

    def _row(
        self, box: str, outcome: Outcome, version: Version | None = None, provider: Provider | None = None, **more: object
    ) -> None:
        names = {"provider": provider.name, "architecture": provider.architecture} if provider else {}
        row = Row(box, outcome, version.version if version else "", **names, **more)  # type: ignore[arg-type]
        self.report.rows.append(row)
        if outcome != Outcome.HERE:
            self.screen.say(str(row))

    def _left(
        self, box: str, why: Exception | str, version: Version | None = None, provider: Provider | None = None
    ) -> None:
        if isinstance(why, ValidationError):
            why = " ".join(why.messages)
        hint = why.hint if isinstance(why, SlipwayError) else ""
        text = why.message if isinstance(why, SlipwayError) else str(why)
        self._row(box, Outcome.LEFT, version, provider, why=text, hint=hint)

    def _note(self, box: Box, version: Version, text: str) -> None:
        self.screen.say(f"{box.name} {version.version}: {text}")


def key(provider: Provider) -> Key:
    return provider.name, provider.architecture


def boxes_of(release: Release) -> dict[Key, Sums]:
    """Those that have arrived, and those that were built here."""
    found: dict[Key, Sums] = {}
    built = Artifact.objects.of_succeeded_builds().filter(
        build__revision__release=release, build__revision__state=RevisionState.PUBLISHED, format__startswith="box-"
    )
    for artifact in built:
        found[artifact.format.removeprefix("box-"), artifact.architecture] = sums_of(artifact.sha256, artifact.details)
    for upload in release.uploads.all():
        if upload.has_arrived:
            declared = {"checksum_type": upload.checksum_type, "checksum": upload.checksum}
            found[upload.provider, upload.architecture] = sums_of(upload.sha256, declared)
    return found


def sums_of(sha256: str, declared: dict[str, str]) -> Sums:
    sums = {declared.get("checksum_type") or "": str(declared.get("checksum") or "").lower(), "sha256": sha256}
    return {kind: digits for kind, digits in sums.items() if kind and digits}


def draft(appliance: Appliance, version: Version) -> Release:
    with transaction.atomic():
        release = Release(appliance=appliance, version=version.version, notes=version.notes)
        release.save()
        if version.created_at:
            Release.objects.filter(pk=release.pk).update(created_at=version.created_at)
        audit.record(release, "release-created", by=None)
    return release


def receive(release: Release, provider: Provider, file: object, size: int) -> None:
    """Let a whole, verified file become the release's box of this provider. What is refused leaves nothing."""
    kind, digits = provider.sum
    told = {"checksum_type": kind, "checksum": digits, "default": provider.default_architecture}
    upload = release.uploads.filter(provider=provider.name, architecture=provider.architecture).first()
    if upload:  # an import that was broken off had declared it
        upload = uploads.change(upload, by=None, **told)
    else:
        upload = uploads.declare(release, provider.name, by=None, architecture=provider.architecture, **told)
    try:
        uploads.receive(upload, file, size=size, by=None)
    except (SlipwayError, ValidationError):
        with suppress(Upload.DoesNotExist):
            uploads.remove(upload, by=None)
        raise


def date(release: Release, version: Version) -> None:
    """It was published there long before it came here."""
    if version.published_at:
        Release.objects.filter(pk=release.pk).update(published_at=version.published_at)
        release.revisions.filter(state=RevisionState.PUBLISHED).update(published_at=version.published_at)


def hush(release: Release) -> None:
    """What was published elsewhere is no news: nobody gets a letter for each old version."""
    Event.objects.filter(release=release, untold=True).update(untold=False)
