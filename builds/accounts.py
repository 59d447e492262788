"""The accounts that a build may use: its team's."""

from __future__ import annotations

from .engine.accounts import ACCOUNTS
from .engine.accounts.base import PAGE, Account
from .engine.console import Redactor
from .engine.errors import BuildError
from .models import Build


class Accounts:
    """What `Context.accounts` is. Rows are read at once, since the engine's threads never touch the database."""

    def __init__(self, build: Build, redact: Redactor) -> None:
        self._team = build.revision.release.appliance.team
        self._rows = list(self._team.accounts.all())
        self._redact = redact

    def __call__(self, kind: str, name: str = "") -> Account:
        """The account of that name, or the only one of that kind. Raises BuildError when there is none."""
        label = ACCOUNTS[kind].label
        found = [row for row in self._rows if row.kind == kind and name in (row.name, "")]
        if not found:
            called = f" called {name}" if name else ""
            raise BuildError(f"The team {self._team.slug} has no {label} account{called}.", hint=f"Add it in {PAGE}.")
        if len(found) > 1:
            names = ", ".join(row.name for row in found)
            raise BuildError(
                f"The team {self._team.slug} has several {label} accounts: {names}.",
                hint="Say which one in the template: `account: NAME`.",
            )
        account: Account = found[0].sign_in()
        self._redact.add(account.secrets())  # whatever the build says from now on
        return account
