"""From a build's row to what the engine needs: the plan, the values of its secrets, the files of its source."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.files.storage import default_storage

from .engine import source, template
from .engine.boxes.launching import BOOTABLE, UploadedBox
from .engine.context import Context
from .engine.errors import SourceError, TemplateError
from .engine.plan import Plan
from .engine.platforms.base import Platform
from .models import Build


def secret_values(build: Build) -> dict[str, str]:
    """The team's values of the secret variables that the template names; those that it has."""
    names = template.parse(build.revision.template).secrets
    return build.revision.release.appliance.team.secret_values(names)


def plan_of(build: Build, secrets: dict[str, str], folder: Path | None = None) -> Plan:
    """With `folder`, the files that the template names must be in it.

    Raises TemplateError: for a secret without a value, a missing file, or because what was valid when the
    revision was made is not any more after an update of Slipway.
    """
    release = build.revision.release
    words = (release.appliance.team.slug, release.appliance.slug, release.version)
    name = "-".join(words).replace("_", "-")
    revision = build.revision
    values = {**revision.values, **secrets}
    plans = template.parse(revision.template).plans(name, values, folder, revision=revision.number)
    plan = plans[build.platform]
    return plan if plan.platform.makes else replace(plan, formats=launchable(revision.uploads))


def launchable(uploads: Iterable[Mapping[str, Any]]) -> tuple[UploadedBox, ...]:
    """Of a revision's boxes that were made elsewhere those that QEMU may be able to boot."""
    return tuple(UploadedBox(box["provider"], tested_as(box)) for box in uploads if not untested(box))


def tested_as(box: Mapping[str, Any]) -> str:
    """What the results of its checks call it: its format, and its architecture where that is not the usual one."""
    words = ["box", box["provider"], *([] if box["architecture"] == "amd64" else [box["architecture"]])]
    return "-".join(words)


def untested(box: Mapping[str, Any]) -> str:
    """Why nobody launches it; empty: somebody does."""
    metadata = box["details"].get("metadata", {})
    architecture = metadata.get("architecture") if box["architecture"] == "unknown" else box["architecture"]
    if not box["file"]:
        return "it is kept elsewhere"
    if architecture not in (None, "amd64"):
        return f"it is for {architecture} processors"
    return "" if box["provider"] in BOOTABLE else f"QEMU cannot launch a box for {box['provider']}"


def tags(build: Build) -> dict[str, str]:
    """What everything that the build creates outside is tagged with."""
    release = build.revision.release
    return {
        "slipway:installation": settings.INSTALLATION,
        "slipway:build": build.name,
        "slipway:appliance": f"{release.appliance.team.slug}/{release.appliance.slug}",
        "slipway:version": release.version,
    }


def bare_plans(text: str) -> dict[str, Plan]:
    """Of a frozen template, for looking at: the secrets have no values. Raises TemplateError as `plan_of` does."""
    parsed = template.parse(text)
    return parsed.plans("preview", dict.fromkeys(parsed.secrets, ""), None)


def bare_plan(build: Build) -> Plan:
    """For looking at, not for building: the secrets have no values. Raises TemplateError as `plan_of` does."""
    names = template.parse(build.revision.template).secrets
    return plan_of(build, dict.fromkeys(names, ""))


def platform_of(build: Build) -> Platform:
    """For sweeping."""
    return bare_plan(build).platform


def fails_fast(build: Build) -> bool:
    """Does its failure end the builds on the other platforms?"""
    try:
        return template.parse(build.revision.template).sections.fail_fast
    except TemplateError:
        return False


def fetch_source(build: Build, context: Context) -> None:
    """Lay the files of the build's source out in `context.source`, a folder that does not exist yet.

    The template's own `files` come last. Raises SourceError when it cannot be had.
    """
    revision = build.revision
    if revision.source_kind == "archive":
        with TemporaryDirectory(dir=context.work) as folder:
            source.archive(_local_copy(revision.archive, Path(folder)), context.source)
    elif revision.source_kind == "git":
        source.git(revision.git_url, revision.git_commit, context.source, context, revision.access)
    source.inline(template.parse(revision.template).files, context.source)


def _local_copy(key: str, folder: Path) -> Path:
    """The stored file itself where it is on this machine, else a copy in `folder`."""
    if not default_storage.exists(key):
        raise SourceError("The uploaded archive is gone from the storage.", hint="Upload it again.")
    if path := default_storage.local_path(key):
        return path
    copy = folder / "archive"
    with default_storage.open(key) as stored, copy.open("wb") as file:
        shutil.copyfileobj(stored, file, 1024 * 1024)
    return copy
