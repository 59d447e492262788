"""A failed machine that is kept for a while: commands run in it, and SSH leads to it. The worker's side.

What people ask for are rows (`kept.py`). As everywhere, the engine's threads never touch the database: everything
goes through `write`, the ledger's one thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .debug_command import Running, run
from .engine import visiting
from .engine.console import Redactor
from .engine.context import Context, Deadline
from .engine.errors import Cancelled, SlipwayError, WorkerError
from .engine.machine import Machine
from .engine.ssh import SshMachine
from .models import Build, DebugCommand
from .states import BuildState
from .text import storable

LOOK = 0.5
"""Seconds between two looks at what people ask for: how long they wait."""
ADMISSION = 30.0
"""Seconds within which a key is in the machine."""


@dataclass(frozen=True)
class Look:
    """What there is to do."""

    command: DebugCommand | None
    """The next one, or the one that runs."""
    keys: list[str]
    """The public keys of those who want in."""


class Debugging:
    """Keeps the machine when somebody asked for that; the engine calls it before a failed machine goes.

    Returns when the time is up, when somebody has seen enough, and when the build or its worker has to end: what the
    build has failed of stands in each case.
    """

    def __init__(self, build: Build, redact: Redactor, write: Callable[[Callable[[], Any]], Any]) -> None:
        self._build = build
        self._redact = redact
        self._write = write

    def __call__(self, machine: Machine, error: SlipwayError, context: Context) -> None:
        until = self._write(lambda: self._begin(error))
        if until is None:
            return
        context.console.write(f"The machine is kept for debugging until {until:%H:%M} UTC.\n")
        # No limit of the build counts any more, only the time that was asked for.
        context = replace(context, deadline=Deadline(None, "Debugging"))
        with ExitStack() as stack:
            visits = Visits(machine, context, stack, self._redact, self._tell)
            running: Running | None = None
            try:
                while look := self._write(partial(self._look, running)):
                    if running and running.ended:
                        running = None
                    if look.command and not running:
                        running = stack.enter_context(run(look.command, machine, context, self._redact))
                    visits.admit(look.keys)
                    context.stop.wait(LOOK)
            except Cancelled:
                pass  # the worker stops, or its row says that it was cancelled
        context.console.write("The machine is not kept any longer.\n")

    def _begin(self, error: SlipwayError) -> datetime | None:
        """Until when it is kept; None: nobody asked for it, or it is cancelled already."""
        row = Build.objects.filter(pk=self._build.pk, state=BuildState.RUNNING)
        wanted = row.values_list("debug", flat=True).first()
        if not wanted:
            return None
        until = timezone.now() + wanted
        why = {"error": storable(error.message, self._redact), "hint": storable(error.hint, self._redact)}
        return until if row.update(debug_until=until, debug_access={}, **why) else None

    def _look(self, running: Running | None) -> Look | None:
        """Write down what has come of a command, and see what is wanted next. None: the machine may go."""
        commands = DebugCommand.objects.filter(build=self._build)
        if running:
            commands.filter(pk=running.row.pk).update(**running.result())
        row = Build.objects.kept().filter(pk=self._build.pk).first()
        if row is None:
            return None
        return Look(commands.filter(finished_at=None).first(), row.debug_access.get("keys", []))

    def _tell(self, access: Mapping[str, Any]) -> None:
        """Write down how the machine is reached. Who wants in is written there, too, by others."""

        def change() -> None:
            with transaction.atomic():
                row = Build.objects.select_for_update().get(pk=self._build.pk)
                Build.objects.filter(pk=row.pk).update(debug_access={**row.debug_access, **access})

        self._write(change)


class Visits:
    """Lets people's keys in; from the first one on, a port of this host leads to the machine."""

    def __init__(
        self,
        machine: Machine,
        context: Context,
        stack: ExitStack,
        redact: Redactor,
        tell: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._machine = machine
        self._context = context
        self._stack = stack
        self._redact = redact
        self._tell = tell
        self._seen: set[str] = set()
        self._forwarding: visiting.Forwarding | None = None

    def admit(self, keys: list[str]) -> None:
        """Those that are new. What goes wrong is told, and ends nothing."""
        for key in keys:
            if key in self._seen:
                continue
            self._seen.add(key)
            try:
                self._tell({"problem": "", **self._open(key)})
            except Cancelled:
                raise
            except SlipwayError as error:
                self._tell({"problem": storable(str(error), self._redact)})

    def _open(self, key: str) -> dict[str, Any]:
        machine = self._machine
        if not isinstance(machine, SshMachine):
            raise WorkerError("This machine is not reached over SSH.")
        host_key = machine.host_key
        visiting.admit(machine, key, self._context.within(ADMISSION, "Letting the key in"))
        if self._forwarding is None:
            places = ports(settings.DEBUG_PORTS)
            listener = visiting.Forwarding(machine, self._context.console, settings.DEBUG_ADDRESS, places)
            self._forwarding = self._stack.enter_context(listener)
        host, port = settings.DEBUG_ADDRESS, self._forwarding.port
        return {"host": host, "port": port, "user": machine.user, "host_key": host_key}


def ports(text: str) -> range:
    """ "40000-40099" or "40000"; empty: whichever is free."""
    first, _, last = text.partition("-")
    try:
        return range(int(first), int(last or first) + 1) if text else range(1)
    except ValueError:
        raise WorkerError(
            f"SLIPWAY_DEBUG_PORTS is “{text}”, which is no range of ports.", hint="Set it to such as 40000-40099."
        ) from None
