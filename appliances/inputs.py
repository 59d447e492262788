"""What a revision freezes: everything that its images depend on and that somebody wrote."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from builds.engine import source, template
from builds.engine.errors import SourceError, TemplateError
from builds.engine.platforms.upload.platform import Upload

from . import parents, values
from .models import Release, Revision, SourceKind

UPLOAD = Upload.name
"""The platform whose images come with the release."""


@dataclass(frozen=True)
class Inputs:
    """The same digest means the same images, but for what the outside changed since: packages, a base's new build."""

    template: str
    """With those that it extends in it, so that no change of theirs reaches what is built already."""
    platforms: tuple[str, ...]
    source_kind: str = SourceKind.INLINE
    archive: str = ""
    """Its storage key holds the SHA-256 of its content."""
    git_url: str = ""
    git_commit: str = ""
    values: dict[str, str] = field(default_factory=dict)
    """Those of the variables that have another than the template's default."""
    origins: dict[str, str] = field(default_factory=dict)
    """Where each of these is from; like `extends` for people, so no part of the digest."""
    extends: tuple[str, ...] = ()
    uploads: tuple[dict[str, Any], ...] = ()
    """Boxes that were made elsewhere, as `Upload.frozen()` tells them."""

    @property
    def digest(self) -> str:
        """SHA-256 in hex. Names of secrets are part of the template; their values never come near this."""
        counted = asdict(self)
        del counted["origins"], counted["extends"]
        for name in ("values", "uploads"):
            if not counted[name]:
                del counted[name]  # as before there were any: what is built already does not look changed
        return hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()

    @classmethod
    def of(cls, release: Release, listing: Collection[str] | None = None) -> Inputs:
        """Validate and freeze; a branch or tag becomes a commit. Raises TemplateError or SourceError.

        `listing`: the files of its source, where these are known already.
        """
        team = release.appliance.team
        parsed = template.parse(release.template, lookup=parents.lookup(team), name=str(release.appliance))
        settled = template.settle(parsed, values.offers(team, release.values))
        has = team.secrets.filter(name__in=parsed.secrets).values_list("name", flat=True)
        given = {**settled.values, **dict.fromkeys(has, "")}
        if release.source_kind == SourceKind.INLINE:
            listing = ()
        problems = parsed.problems(listing, values=given, accounts=team.account_kinds())
        if problems or settled.problems:
            raise TemplateError([*settled.problems, *problems])
        parsed.plans("trial", given, None)  # a value may be right for its variable and wrong where that is used
        inputs = cls(
            template=parsed.text,
            source_kind=release.source_kind,
            platforms=tuple(parsed.platforms),
            values=settled.values,
            origins=settled.origins,
            extends=parsed.lineage,
            uploads=arrived(release) if UPLOAD in parsed.platforms else (),
        )
        if inputs.platforms == (UPLOAD,) and not inputs.uploads:
            raise SourceError(f"No box of {release} has arrived.", hint="Upload one for each provider first.")
        if release.source_kind == SourceKind.ARCHIVE:
            if not release.archive:
                raise SourceError("No archive was uploaded.", hint="Upload one, or choose another source.")
            return replace(inputs, archive=release.archive)
        if release.source_kind == SourceKind.GIT:
            commit = source.resolve_commit(release.git_url, release.git_ref, release.appliance.access(release.git_url))
            return replace(inputs, git_url=release.git_url, git_commit=commit)
        return inputs

    @classmethod
    def unchecked(cls, release: Release, commit: str) -> Inputs:
        """What is in a release that follows a repository, though it cannot be built."""
        written = {"template": release.template, "source_kind": release.source_kind, "git_url": release.git_url}
        return cls(**written, git_commit=commit, platforms=())

    @classmethod
    def of_revision(cls, revision: Revision) -> Inputs:
        return cls(
            template=revision.template,
            source_kind=revision.source_kind,
            archive=revision.archive,
            git_url=revision.git_url,
            git_commit=revision.git_commit,
            platforms=tuple(revision.platforms),
            values=revision.values,
            origins=revision.origins,
            extends=tuple(revision.extends),
            uploads=tuple(revision.uploads),
        )

    def fields(self) -> dict[str, object]:
        """As a revision's columns."""
        lists = {"platforms": list(self.platforms), "extends": list(self.extends), "uploads": list(self.uploads)}
        return {**asdict(self), **lists, "digest": self.digest}

    @staticmethod
    def written(release: Release) -> dict[str, object]:
        """What people wrote, as a release's columns: compared to see whether somebody saved it meanwhile."""
        names = ("template", "values", "source_kind", "archive", "git_url", "git_ref")
        return {name: getattr(release, name) for name in names}


def arrived(release: Release) -> tuple[dict[str, Any], ...]:
    """The boxes of a release that were made elsewhere and are here, or where they were said to be."""
    return tuple(upload.frozen() for upload in release.uploads.all() if upload.has_arrived)
