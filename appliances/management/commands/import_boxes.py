"""`manage.py import_boxes`: copy Vagrant boxes from HCP Vagrant Registry, Vagrant Cloud or another Slipway."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import closing
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console as Terminal
from urllib3.exceptions import LocationParseError

from appliances import audit, gems
from appliances.models import Team
from appliances.moving.downloads import Downloads
from appliances.moving.progress import Screen
from appliances.moving.report import Outcome, Report
from appliances.moving.source import Source
from appliances.moving.taking import Import
from appliances.moving.web import Web
from builds.engine.errors import SlipwayError

USAGE = 2
BROKEN_OFF = 130


class Command(BaseCommand):
    help = (
        "Copy Vagrant boxes with all their versions, providers and architectures. Run it again to go on, or to take "
        "what is new. Ends with 0 when everything is here, with 1 when something was not taken."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("boxes", nargs="+", metavar="ORG[/NAME]", help="One box, or all that an organisation has.")
        parser.add_argument(
            "--from", required=True, dest="url", metavar="URL", help="Such as https://vagrantcloud.com."
        )
        parser.add_argument("--team", metavar="SLUG", help="Whose they become; by default the team called ORG.")
        parser.add_argument("--only-version", default="", metavar="CONSTRAINT", help="As Vagrant’s: “>= 2.0, < 4”.")
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be taken.")
        parser.add_argument("--json", action="store_true", help="The report as JSON.")
        token = parser.add_mutually_exclusive_group()
        token.add_argument("--token-from-env", metavar="NAME", help="The environment variable with the source’s token.")
        token.add_argument("--with-token", action="store_true", help="Read the source’s token from standard input.")

    def handle(self, *, boxes: list[str], url: str, team: str | None, **options: Any) -> None:
        teams = {name: owner(team or name.partition("/")[0]) for name in boxes}
        constraint = only(options["only_version"])
        report = Report(url.rstrip("/"))
        # Progress goes to standard error, so that the report can be piped.
        screen = Screen(Terminal(stderr=True))
        with audit.via("import_boxes"), screen, closing(asked(report.source, token(options), screen)) as web:
            source = Source(report.source, web)
            downloads = Downloads(settings.DATA_DIR / "cache" / "moving", web)
            work = Import(source, downloads, screen, report, constraint, dry_run=options["dry_run"])
            trouble = run(work, teams)
        self._show(report, as_json=options["json"])
        if trouble:
            raise trouble
        if left := len(report.of(Outcome.LEFT)):
            raise CommandError(f"{left} of these could not be taken.")

    def _show(self, report: Report, *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(report.json(), indent=2, ensure_ascii=False))
            return
        terminal = Terminal(file=self.stdout, force_terminal=None if self.stdout.isatty() else False)
        if not terminal.is_terminal:
            terminal.width = 240  # a file or a pipe has no edge
        for table in report.tables():
            terminal.print(table, markup=False)


def run(work: Import, teams: dict[str, Team]) -> CommandError | None:
    """All of them, or as far as it goes: then why it ended."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        work.downloads.sweep()
        for name, team in teams.items():
            for each in [name] if "/" in name else work.source.names(name):
                work.take(each, team)
    except KeyboardInterrupt:
        work.report.broken_off = True
        return CommandError("Broken off: run it again to go on from here.", returncode=BROKEN_OFF)
    except SlipwayError as error:
        work.report.broken_off = True
        return CommandError(str(error))
    finally:
        signal.signal(signal.SIGTERM, former)
    return None


def owner(slug: str) -> Team:
    found = Team.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(
            f"There is no team {slug} here.\nMake it first (Dashboard, New team), or name another with --team.",
            returncode=USAGE,
        )
    return found


def asked(url: str, secret: str, screen: Screen) -> Web:
    try:
        web = Web(url, secret, screen.say)
    except LocationParseError:
        raise CommandError(f"{url} is no address: it begins with https:// or http://.", returncode=USAGE) from None
    if secret and urlsplit(url).scheme == "http":
        screen.say(f"{url} is not encrypted: everybody between you and it can read the token.")
    return web


def only(constraint: str) -> str:
    try:
        gems.satisfies("0", constraint)
    except ValueError as error:
        raise CommandError(str(error), returncode=USAGE) from None
    return constraint


def token(options: dict[str, Any]) -> str:
    """Never an argument: others could read it in the list of processes."""
    if options["with_token"]:
        return sys.stdin.readline().strip()
    name = options["token_from_env"]
    if not name:
        return ""
    if not os.environ.get(name, "").strip():
        raise CommandError(f"The environment variable {name} has no token in it.", returncode=USAGE)
    return os.environ[name].strip()
