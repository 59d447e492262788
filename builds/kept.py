"""What people ask of a failed machine that is kept: to try a build again for it, commands, SSH, more time, its end.

Each is written into a row, at which its worker looks (`debugging.py`), and into the audit log.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from . import queue
from .engine.errors import BuildError
from .engine.provisioning import is_provisioner
from .engine.visiting import public_key
from .models import Build, DebugCommand
from .states import StepState

if TYPE_CHECKING:
    from appliances.models import User

MORE = timedelta(minutes=15)
TOGETHER = timedelta(hours=12)
"""Since the build started: however often somebody asks for more, its worker has other things to do, too."""
LONGEST_COMMAND = 8000
"""Characters."""


def may_help(build: Build) -> bool:
    """Whether such a build failed in a machine that could be kept: what fails before or after one leaves nothing."""
    return any(is_provisioner(step.title) for step in build.steps.filter(state=StepState.FAILED))


def minutes(wanted: int) -> timedelta:
    """As long as the settings allow."""
    return timedelta(minutes=max(1, min(wanted, settings.DEBUG_MINUTES)))


def retry(build: Build, wanted: int, *, by: User | None) -> Build:
    """Try it again, and keep its machine for so many minutes if it fails in it. Answers the build that is active then.

    An appliance has one such build for each platform: a kept machine holds a worker's place.
    """
    appliance = build.revision.release.appliance
    with transaction.atomic():
        type(appliance).objects.select_for_update().get(pk=appliance.pk)  # against a second one
        kept = Build.objects.active().filter(
            debug__isnull=False, platform=build.platform, revision__release__appliance=appliance
        )
        if other := kept.exclude(revision=build.revision).first():
            raise queue.Refused(
                f"{other.name} of {appliance} is being debugged on {build.platform} already.",
                hint="End that one first: each holds a worker's place.",
            )
        again = queue.retry(build, by=by)
        if again.kept_until:
            return again
        again.debug = minutes(wanted)
        Build.objects.filter(pk=again.pk).update(debug=again.debug)
        for_long = f"{again.debug.seconds // 60} min"
        _record(again, "debug-asked", f"asked to keep the machine of {again.name} for {for_long} if it fails", by)
    return again


def run(build: Build, text: str, *, by: User | None) -> DebugCommand:
    """A line of sh, as root, after those that are asked for already."""
    text = text.replace("\r\n", "\n").strip()
    if not text or len(text) > LONGEST_COMMAND or "\x00" in text:
        raise BuildError(f"A command has 1 to {LONGEST_COMMAND} characters.", hint="Copy longer ones over SSH.")
    with transaction.atomic():
        row = _locked(build)
        _record(row, "debug-command", f"ran a command in the machine of {row.name}", by, note=text)
        return DebugCommand.objects.create(build=row, by=by, text=text)


def admit(build: Build, text: str, *, by: User | None) -> None:
    """Let whoever has the private half of that key in over SSH."""
    key = public_key(text)
    with transaction.atomic():
        row = _locked(build)
        keys = row.debug_access.get("keys", [])
        if key in keys:
            return
        _change(row, debug_access={**row.debug_access, "keys": [*keys, key]})
        _record(row, "debug-key", f"let a key into the machine of {row.name}", by, note=key)


def extend(build: Build, *, by: User | None) -> None:
    with transaction.atomic():
        row = _locked(build)
        most = [timezone.now() + minutes(settings.DEBUG_MINUTES), row.started_at + TOGETHER]
        until = max(row.debug_until, min(row.debug_until + MORE, *most))
        if until == row.debug_until:
            raise queue.Refused(
                f"The machine of {row.name} cannot be kept longer.",
                hint="SLIPWAY_DEBUG_MINUTES is the most that may be left. Ask again later, or debug it once more.",
            )
        _change(row, debug_until=until)
        _record(row, "debug-extended", f"keeps the machine of {row.name} for longer", by)


def end(build: Build, *, by: User | None) -> None:
    """Enough was seen. Does nothing when it is gone already."""
    with transaction.atomic():
        row = Build.objects.select_for_update().kept().filter(pk=build.pk).first()
        if row:
            _change(row, debug_until=timezone.now())
            _record(row, "debug-ended", f"ended the debugging of {row.name}", by)


def _locked(build: Build) -> Build:
    row = Build.objects.select_for_update().kept().filter(pk=build.pk).first()
    if row is None:
        raise queue.Refused(
            f"The machine of {build.name} is not kept, or not any more.", hint="Debug the build: it is tried again."
        )
    return row


def _change(row: Build, **fields: object) -> None:
    Build.objects.filter(pk=row.pk).update(**fields)


def _record(build: Build, name: str, text: str, by: User | None, note: str = "") -> None:
    build.revision.record(name, text, by=by, note=note)
