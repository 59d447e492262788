"""Releases that are built on other releases: where the engine gets the disk of a parent."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from django.core.files.storage import default_storage

from .engine.console import Console
from .engine.errors import BuildError
from .models import Artifact

FORMAT = "qcow2"


def released(name: str) -> Artifact | None:
    """The disk that "team/appliance@version" has on the catalog now."""
    team, _, rest = name.partition("/")
    slug, _, version = rest.partition("@")
    artifacts = Artifact.objects.of_succeeded_builds().filter(
        format=FORMAT,
        build__revision__state="published",
        build__revision__release__state="published",
        build__revision__release__version=version,
        build__revision__release__appliance__slug=slug,
        build__revision__release__appliance__team__slug=team,
    )
    return artifacts.order_by("-pk").first()


def release_disk(name: str, cache: Path, console: Console) -> tuple[Path, str]:
    """The published disk of "team/appliance@version", a file on this machine, and its SHA-256.

    The build's facts record the parent. Raises BuildError when there is no such disk.
    """
    artifact = released(name)
    if artifact is None:
        raise BuildError(
            f"The base {name} is not on the catalog, or has no {FORMAT} image.",
            hint=f"Publish that release with the format {FORMAT}, or name another version.",
        )
    console.fact("parent", f"{name} (build {artifact.build_id}, sha256 {artifact.sha256})")
    return default_storage.local_path(artifact.file) or _download(artifact, cache), artifact.sha256


def _download(artifact: Artifact, cache: Path) -> Path:
    """A copy from the bucket; kept, since more is likely to be built on it. The engine checks its hash."""
    target = cache / "releases" / f"{artifact.sha256}.{FORMAT}"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with default_storage.open(artifact.file) as stored, TemporaryDirectory(dir=target.parent) as folder:
            copy = Path(folder) / target.name
            with copy.open("wb") as file:
                shutil.copyfileobj(stored, file, 1024 * 1024)
            copy.rename(target)
    return target
