"""One box after the other becomes an appliance here, with its versions, oldest first.

Each step is safe to repeat: what is here is not fetched again, and a version shows only when its boxes are here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError

from appliances import gems
from appliances.models import Appliance, Release, Team
from appliances.states import ReleaseState
from builds.engine.errors import SlipwayError, WorkerError

from . import arriving
from .boxes import Provider, Version
from .downloads import Downloads, Wanted
from .progress import Screen
from .report import Outcome, Report, Row
from .source import Source
from .web import Unreachable, origin


@dataclass
class Import:
    source: Source
    downloads: Downloads
    screen: Screen
    report: Report
    constraint: str = ""
    dry_run: bool = False

    def take(self, name: str, team: Team) -> None:
        """Everything of one box that is not here yet. Raises WorkerError or Unreachable when it is no use to go on."""
        try:
            box = self.source.box(name)
            appliance = arriving.appliance_for(box, team)
        except (WorkerError, Unreachable):
            raise
        except (SlipwayError, ValidationError) as error:
            self._left(error, name)
            return
        if not self.dry_run:
            arriving.keep(appliance, box)
        for version in box.oldest_first():
            try:
                Release._meta.get_field("version").clean(version.version, None)
            except ValidationError as error:
                hint = " ".join(error.messages)
                self._left(SlipwayError("Vagrant cannot read this version.", hint=hint), name, version)
            else:
                if gems.satisfies(version.version, self.constraint):
                    self._version(name, version, appliance)

    def _version(self, name: str, version: Version, appliance: Appliance) -> None:
        release = appliance.releases.filter(version=version.version).first() if appliance.pk else None
        missing = self._missing(name, version, release)
        if not version.providers and version.status == "active":
            self._left("It has no box there.", name, version)
        elif self.dry_run:
            for each in missing:
                self._add(Outcome.PLANNED, name, version, each)
        elif missing and release and release.state == ReleaseState.WITHDRAWN:
            for each in missing:
                self._left("The release is withdrawn here, and nothing is added to it.", name, version, each)
        else:
            release = release or arriving.draft(appliance, version)
            taken = [self._box(name, version, each, release) for each in missing]
            self._publish(name, version, release, news=any(taken))

    def _missing(self, name: str, version: Version, release: Release | None) -> list[Provider]:
        here = arriving.boxes_of(release) if release else {}
        missing = []
        for provider in version.providers:
            known = here.get(provider.key)
            kind, digits = provider.sum
            if known is None:
                missing.append(provider)
            elif known.get(kind, digits) == digits:
                self._add(Outcome.HERE, name, version, provider)
            else:
                hint = "What is published never changes: publish the other one there under a new version."
                error = SlipwayError("Another box is here under the same name.", hint=hint)
                self._left(error, name, version, provider)
        return missing

    def _box(self, name: str, version: Version, provider: Provider, release: Release) -> bool:
        """Bring one; False when that is not possible, which is written down."""
        url = self.source.address(provider.address)
        title = f"{name} {version.version} {provider}"
        wanted = Wanted(url, f"{self.source.url} {title} {' '.join(provider.sum)}", provider.sum)
        try:
            if not provider.address:
                raise SlipwayError("No file of it was uploaded there.")
            with self.screen.transfer(title) as hear, self.downloads.fetched(wanted, hear) as file:
                size = os.fstat(file.fileno()).st_size
                arriving.receive(release, provider, file, size)
        except WorkerError:
            raise
        except (SlipwayError, ValidationError) as error:
            if isinstance(error, Unreachable) and origin(url) == origin(self.source.url):
                raise
            self._left(error, name, version, provider)
            return False
        self._add(Outcome.TAKEN, name, version, provider, size=size)
        return True

    def _publish(self, name: str, version: Version, release: Release, *, news: bool) -> None:
        release.refresh_from_db()
        arrived = any(each.has_arrived for each in release.uploads.all())
        revoked = version.status == "revoked" and release.state == ReleaseState.PUBLISHED
        due = news or revoked or release.state == ReleaseState.DRAFT
        if version.status not in ("active", "revoked") or not arrived or not due:
            return
        if version.status == "revoked" and release.appliance.upload_checks and not revoked:
            self.screen.say(f"{name} {version.version} was revoked there: it stays a draft here.")
            return
        try:
            arriving.publish(release, version, source=self.source.url)
        except (SlipwayError, ValidationError) as error:
            self._left(error, name, version)

    def _left(self, why: Exception | str, name: str, *what: Any) -> None:
        text = " ".join(why.messages) if isinstance(why, ValidationError) else getattr(why, "message", str(why))
        self._add(Outcome.LEFT, name, *what, why=text, hint=getattr(why, "hint", ""))

    def _add(
        self,
        outcome: Outcome,
        name: str,
        version: Version | None = None,
        provider: Provider | None = None,
        **more: Any,
    ) -> None:
        names = {"provider": provider.name, "architecture": provider.architecture} if provider else {}
        row = Row(name, outcome, version.version if version else "", **names, **more)
        self.report.rows.append(row)
        if outcome != Outcome.HERE:
            self.screen.say(str(row))
