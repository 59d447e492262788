"""`manage.py doctor`: what this machine can do, and how to get what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console as Terminal
from rich.table import Table

from builds import redis_server
from builds.abilities import missing, works_here
from builds.engine import doctor
from builds.engine.doctor import Finding
from builds.engine.platforms.qemu import acceleration


class Command(BaseCommand):
    help = "Say what this machine can do, and how to get what is missing. Ends with 1 when something needed is."
    requires_system_checks = ()

    def handle(self, **_: Any) -> None:
        cache = settings.DATA_DIR / "cache"
        findings = [*doctor.examine(cache, accelerate), queue(), *platforms()]
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in findings:
            mark = "[green]✓[/]" if finding.ok else "[red]✗[/]" if finding.needed else "[yellow]–[/]"
            table.add_row(mark, finding.name, finding.seen)
            if finding.hint:
                table.add_row("", "", f"[dim]{finding.hint}[/]")
        Terminal(file=self.stdout, force_terminal=None if self.stdout.isatty() else False).print(table)
        if lacks := [finding.name for finding in findings if finding.needed and not finding.ok]:
            raise CommandError(f"Builds cannot run here yet: {', '.join(lacks)}.")


def accelerate() -> Finding:
    """Without KVM builds are slow, but they work: that is worth knowing, not an error."""
    found = acceleration.probe()
    return Finding("acceleration", True, f"{found.name}: {found.reason}" if found.reason else found.name)


def platforms() -> Iterator[Finding]:
    """What this machine can build for. One is enough; what its own needs are is said above."""
    for name in settings.PLATFORMS:
        where = "machines run on this host" if works_here(name) else "machines run elsewhere, this host waits for them"
        if error := missing(name):
            yield Finding(f"platform {name}", False, error.message, error.hint, needed=False)
        else:
            yield Finding(f"platform {name}", True, where)


def queue() -> Finding:
    if settings.REDIS_SOCKET is None:
        return Finding("queue", True, f"Redis at {settings.REDIS_URL.rpartition('@')[2]}")
    try:
        return Finding("queue", True, redis_server.command(settings.REDIS_SOCKET)[0])
    except redis_server.NoServer as error:
        return Finding("queue", False, str(error))
