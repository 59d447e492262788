"""`manage.py plan`: what a rebuild would do and why, how long it would take, and what is missing. Changes nothing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console as Terminal
from rich.table import Table

from appliances.causes.current import current
from appliances.causes.forecast import Forecast, forecast
from appliances.models import BuiltFrom, Revision
from appliances.templatetags.ui import roughly


class Command(BaseCommand):
    help = (
        "Say what would be rebuilt and why, how long that would take, when it would begin and what is missing. "
        "Ends with 1 when something is missing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("release", nargs="*", metavar="TEAM/APPLIANCE[@VERSION]", help="Published releases.")
        parser.add_argument("--all", action="store_true", help="All that channels point to.")
        parser.add_argument("--base", help="Only what was built from it: debian:12.")
        parser.add_argument("--changed", action="store_true", help="Only what has a reason.")

    def handle(self, *, release: list[str], all: bool, base: str | None, changed: bool, **_: Any) -> None:
        if not (release or all or base):
            raise CommandError("Name a release, or use --all or --base.")
        revisions = named(release) if release else list(current())
        if base:
            revisions = built_from(revisions, base)
        found = forecast(revisions, timezone.now())
        if changed:
            found = [each for each in found if each.reason]
        terminal = Terminal(file=self.stdout, force_terminal=None if self.stdout.isatty() else False)
        if not terminal.is_terminal:
            terminal.width = 240  # a file or a pipe has no edge
        terminal.print(table(found) if found else "Nothing would be rebuilt.", markup=False)
        if lacking := sum(bool(each.missing) for each in found):
            raise CommandError(f"{lacking} of these could not be built: something is missing.")


def named(names: list[str]) -> list[Revision]:
    """What is published under each name; without a version, what the channels point to."""
    found: list[Revision] = []
    for name in names:
        path, _, version = name.partition("@")
        team, _, slug = path.partition("/")
        rows = Revision.objects.published().select_related("release__appliance__team") if version else current()
        rows = rows.filter(release__appliance__team__slug=team, release__appliance__slug=slug)
        if version:
            rows = rows.filter(release__version=version)
        if not rows:
            raise CommandError(f"{name} is not on the catalog.")
        found += rows
    return found


def built_from(revisions: list[Revision], base: str) -> list[Revision]:
    rows = BuiltFrom.objects.published()
    known = sorted(set(rows.values_list("base__title", flat=True)))
    if base not in known:
        raise CommandError(f"Nothing published was built from {base}. There are: {', '.join(known) or 'none'}.")
    keys = set(rows.filter(base__title=base).values_list("revision", flat=True))
    return [revision for revision in revisions if revision.pk in keys]


def table(found: list[Forecast]) -> Table:
    made = Table(box=None, pad_edge=False)
    for title in ("Release", "Platform", "Why", "Takes", "Layers", "Begins", "Missing"):
        made.add_column(title, overflow="fold")
    for each in found:
        begins = "unknown" if each.start is None else "at once" if each.start < 1 else f"in {roughly(each.start)}"
        made.add_row(
            str(each.revision.release),
            each.platform,
            each.reason or "nothing changed",
            roughly(each.seconds) or "unknown",
            each.layer or "none",
            "; ".join([begins, *each.notes]),
            "; ".join(each.missing) or "nothing",
        )
    return made
