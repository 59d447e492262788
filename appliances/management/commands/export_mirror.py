"""`manage.py export_mirror`: the catalog as a folder that any web server can serve to the same clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console as Terminal

from appliances.models import Appliance, Team
from appliances.moving import mirror
from appliances.moving.mirror import Choice
from appliances.moving.progress import Screen
from appliances.moving.tree import Tree
from builds.engine.errors import SlipwayError

USAGE = 2
BROKEN_OFF = 130


class Command(BaseCommand):
    help = (
        "Write the catalog into a folder: images, indexes, signatures, a page. Run it again to bring what is new and "
        "to remove what was withdrawn. What only teams may have stays out, unless --private names the team."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="DIR", help="Empty or new, or one that was exported before.")
        parser.add_argument("--site", required=True, metavar="URL", help="Where people will reach the folder.")
        parser.add_argument("--team", action="append", default=[], metavar="SLUG", help="Only its; repeatable.")
        parser.add_argument("--appliance", action="append", default=[], metavar="TEAM/NAME", help="Repeatable.")
        parser.add_argument("--public-only", action="store_true", help="Leave out what is unlisted.")
        parser.add_argument(
            "--private",
            action="append",
            default=[],
            metavar="SLUG",
            help="Also what only this team may have; repeatable.",
        )

    def handle(self, *, folder: Path, site: str, **options: Any) -> None:
        site = address(site)
        choice = Choice(
            teams=tuple(map(team, options["team"])),
            appliances=tuple(map(appliance, options["appliance"])),
            unlisted=not options["public_only"],
            private=tuple(map(team, options["private"])),
        )
        try:
            with Screen(Terminal(stderr=True)) as screen, Tree.opened(folder.resolve()) as tree:
                found = mirror.contents(choice, site)
                done = mirror.export(found, tree, screen)
        except SlipwayError as error:
            raise CommandError(str(error)) from None
        except OSError as error:
            raise CommandError(f"{error.filename or folder} cannot be written: {error.strerror}.") from None
        except KeyboardInterrupt:
            raise CommandError("Broken off: run it again to go on.", returncode=BROKEN_OFF) from None
        if found.elsewhere:
            names = sorted({str(each.build.revision.release) for each in found.elsewhere})
            self.stderr.write(f"In clouds or kept by others, so not in the mirror: images of {', '.join(names)}.", str)
        self.stdout.write(
            f"{folder}: {len(found.files)} images ({done.placed} new), "
            f"{len(found.documents)} documents ({done.written} new), {done.removed} files removed."
        )


def address(site: str) -> str:
    parts = urlsplit(site)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise CommandError(f"{site} is no address: it begins with https:// or http://.", returncode=USAGE)
    return site.rstrip("/")


def team(slug: str) -> Team:
    found = Team.objects.filter(slug=slug).first()
    if found is None:
        raise CommandError(f"There is no team {slug}.", returncode=USAGE)
    return found


def appliance(name: str) -> Appliance:
    owner, _, slug = name.partition("/")
    found = Appliance.objects.filter(team__slug=owner, slug=slug).first()
    if found is None:
        raise CommandError(f"There is no appliance {name}.", returncode=USAGE)
    return found
