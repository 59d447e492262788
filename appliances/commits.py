"""What a revision tells of the commit that it was made of."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from builds.text import storable

if TYPE_CHECKING:
    from .models import Revision


@dataclass(frozen=True)
class Commit:
    id: str = ""
    commit_author: str = ""
    commit_subject: str = ""
    commit_url: str = ""
    diff_url: str = ""

    @classmethod
    def of(cls, revision: Revision) -> Commit:
        shown = {name: getattr(revision, name) for name in NO_COMMIT.fields()}
        return cls(revision.git_commit, **shown)

    def fields(self) -> dict[str, str]:
        """As a revision's columns, but for its id: that is an input."""
        limits = {"commit_author": 200, "commit_subject": 300, "commit_url": 500, "diff_url": 500}
        return {name: storable(asdict(self)[name])[:limit] for name, limit in limits.items()}


NO_COMMIT = Commit()
