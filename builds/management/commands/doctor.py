"""`manage.py doctor`: what this machine can do, and how to get what is missing."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console as Terminal
from rich.table import Table

from builds import redis_server
from builds.engine import doctor
from builds.engine.doctor import Finding
from builds.engine.platforms.qemu import acceleration


class Command(BaseCommand):
    help = "Say what this machine can do, and how to get what is missing. Ends with 1 when something needed is."
    requires_system_checks = ()

    def handle(self, **_: Any) -> None:
        cache = settings.DATA_DIR / "cache"
        findings = [*doctor.examine(cache, accelerate), queue()]
        table = Table(box=None, pad_edge=False, show_header=False)
        for finding in findings:
            mark = "[green]✓[/]" if finding.ok else "[red]✗[/]"
            table.add_row(mark, finding.name, finding.seen)
            if finding.hint:
                table.add_row("", "", f"[dim]{finding.hint}[/]")
        Terminal(file=self.stdout, force_terminal=None if self.stdout.isatty() else False).print(table)
        if missing := [finding.name for finding in findings if not finding.ok]:
            raise CommandError(f"Builds cannot run here yet: {', '.join(missing)}.")


def accelerate() -> Finding:
    """Without KVM builds are slow, but they work: that is worth knowing, not an error."""
    found = acceleration.probe()
    return Finding("acceleration", True, f"{found.name}: {found.reason}" if found.reason else found.name)


def queue() -> Finding:
    if settings.REDIS_SOCKET is None:
        return Finding("queue", True, f"Redis at {settings.REDIS_URL.rpartition('@')[2]}")
    try:
        return Finding("queue", True, redis_server.command(settings.REDIS_SOCKET)[0])
    except redis_server.NoServer as error:
        return Finding("queue", False, str(error))


