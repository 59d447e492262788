"""From a build's row to what the engine needs: the plan, the values of its variables, the files of its source."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from django.core.files.storage import default_storage

from .engine import source, template
from .engine.context import Context
from .engine.errors import BuildError, SourceError
from .engine.plan import Plan
from .models import Build

if TYPE_CHECKING:
    from appliances.models import Revision


def plan_of(build: Build) -> Plan:
    """Raises TemplateError: what was valid when the revision was made may not be after an update of Slipway."""
    release = build.revision.release
    name = f"{release.appliance.team.slug}-{release.appliance.slug}-{release.version}"
    return template.parse(build.revision.template).plan(build.platform, name)


def secret_values(build: Build, plan: Plan) -> dict[str, str]:
    """The team's values of the plan's secret variables. BuildError names all that are missing."""
    team = build.revision.release.appliance.team
    values = team.secret_values(plan.secrets)
    if missing := sorted(plan.secrets - values.keys()):
        raise BuildError(
            f"The team {team} has no value for the secret {', '.join(missing)}.",
            hint="An owner of the team sets it under Secrets; then retry the build.",
        )
    return values


def fetch_source(revision: Revision, context: Context) -> None:
    """Lay the files of the revision's source out in `context.source`, a folder that does not exist yet.

    The template's own `files` come last. Raises SourceError when it cannot be had.
    """
    if revision.source_kind == "archive":
        with TemporaryDirectory(dir=context.work) as folder:
            source.archive(_local_copy(revision.archive, Path(folder)), context.source)
    elif revision.source_kind == "git":
        source.git(revision.git_url, revision.git_commit, context.source, context)
    source.inline(template.parse(revision.template).files, context.source)


def _local_copy(key: str, folder: Path) -> Path:
    """The stored file itself where it is on this machine, else a copy in `folder`."""
    if path := default_storage.local_path(key):
        if not path.exists():
            raise SourceError("The uploaded archive is gone from the storage.", hint="Upload it again.")
        return path
    copy = folder / "archive"
    with default_storage.open(key) as stored, copy.open("wb") as file:
        shutil.copyfileobj(stored, file, 1024 * 1024)
    return copy
