"""What a revision freezes: everything that its images depend on and that somebody wrote."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from .models import Release, Revision


@dataclass(frozen=True)
class Inputs:
    """The same digest means the same images, but for what the outside changed since: packages, a base's new build."""

    template: str
    source_kind: str
    archive: str
    git_url: str
    git_commit: str
    platforms: tuple[str, ...]

    @property
    def digest(self) -> str:
        """SHA-256 in hex. Names of secrets are part of the template; their values never come near this."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()

    @classmethod
    def of(cls, release: Release) -> Inputs:
        """Validate and freeze. Raises TemplateError or SourceError."""
        raise NotImplementedError("comes with the engine's template module")

    @classmethod
    def of_revision(cls, revision: Revision) -> Inputs:
        return cls(
            template=revision.template,
            source_kind=revision.source_kind,
            archive=revision.archive,
            git_url=revision.git_url,
            git_commit=revision.git_commit,
            platforms=tuple(revision.platforms),
        )

    def fields(self) -> dict[str, object]:
        """As a revision's columns."""
        return {**asdict(self), "platforms": list(self.platforms), "digest": self.digest}

    @staticmethod
    def written(release: Release) -> dict[str, str]:
        """What people wrote, as a release's columns: compared to see whether somebody saved it meanwhile."""
        names = ("template", "source_kind", "archive", "git_url", "git_ref")
        return {name: getattr(release, name) for name in names}
