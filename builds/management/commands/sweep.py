"""`manage.py sweep`: what exists outside because of builds, whose it is, and the removal of what is nobody's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.timesince import timesince
from rich.console import Console as Terminal
from rich.table import Table

from builds import reaper
from builds.engine.errors import SlipwayError
from builds.models import Resource

if TYPE_CHECKING:
    from appliances.models import Account


class Command(BaseCommand):
    help = (
        "Ask every account what exists there because of builds, and remove what no build, no layer and no image owns. "
        "Ends with 1 when an account did not answer or something could not be removed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Change nothing; say what would be removed.")
        parser.add_argument("--account", metavar="TEAM/NAME", help="Only this one.")

    def handle(self, *, dry_run: bool, account: str | None, **_: Any) -> None:
        table = Table(box=None, pad_edge=False)
        for title in ("Account", "Place", "What", "Age", "Whose", ""):
            table.add_column(title, overflow="fold")
        troubles = 0
        for each in chosen(account):
            for cells, well in sweep(each, dry_run=dry_run):
                table.add_row(f"{each.team.slug}/{each.name}", *cells)
                troubles += not well
        terminal = Terminal(file=self.stdout, force_terminal=None if self.stdout.isatty() else False)
        if not terminal.is_terminal:
            terminal.width = 240  # a file or a pipe has no edge
        terminal.print(table if table.row_count else "Nothing exists outside.", markup=False)
        if troubles:
            raise CommandError(f"{troubles} of these could not be asked or removed.")


def chosen(name: str | None) -> list[Account]:
    accounts = reaper.accounts()
    if name is None:
        return list(accounts)
    team, _, name = name.partition("/")
    if found := list(accounts.filter(team__slug=team, name=name)):
        return found
    known = ", ".join(f"{each.team.slug}/{each.name}" for each in accounts) or "none"
    raise CommandError(f"There is no account {team}/{name}; there are: {known}.")


def sweep(account: Account, *, dry_run: bool) -> Iterator[tuple[tuple[str, ...], bool]]:
    """A line for each thing that exists, and whether all went well with it."""
    try:
        outside = account.sign_in()
    except SlipwayError as error:
        yield ("", "", "", "", str(error)), False
        return
    found = reaper.search(account, outside, keep=not dry_run)
    if account.search_error:
        yield ("", "", "", "", f"did not answer: {account.search_error}"), False
    standing = Resource.objects.standing().filter(account=account).select_related("build", "artifact", "layer")
    nobodys = set(standing.left_over().values_list("pk", flat=True))
    removable = {row.pk for row in reaper.left_over(account, timezone.now())}
    known = {row.pk: row for row in standing}
    new = [row for row in found if row.pk not in known]  # in a dry run they are not in the ledger
    for row in reaper.in_order([*known.values(), *new], outside):
        is_nobodys = row in new or row.pk in nobodys
        whose = f"nobody's, left by {row.build_name}" if is_nobodys else owner(row)
        age = timesince(row.created_at) if row.created_at else "new"
        cells = (row.place, f"{row.kind} {row.reference or row.name}", age, whose)
        if not is_nobodys:
            yield (*cells, "stays"), True
        elif not (row.pk in removable or (row in new and row.build)):
            yield (*cells, "waits: its build may be about to appear"), True
        elif dry_run:
            yield (*cells, "would be removed"), True
        elif reaper.remove(row, outside):
            yield (*cells, "removed"), True
        else:
            yield (*cells, f"still there: {row.error}"), False


def owner(row: Resource) -> str:
    layer = f"the layer {row.layer}" if row.layer else ""
    return str(row.artifact or layer or row.build or "an image of a later revision")
