"""The accounts that a template's platforms and formats sign in with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..accounts import ACCOUNTS
from ..accounts.base import PAGE
from .document import Path
from .entries import Entry
from .flaws import did_you_mean


@dataclass(frozen=True)
class Need:
    """An account of a kind; without a name the team's only one."""

    path: Path
    kind: str
    name: str = ""

    def lacking(self, accounts: Mapping[str, str]) -> str:
        """What is missing when these are the team's (name: kind); empty: nothing."""
        label = ACCOUNTS[self.kind].label if self.kind in ACCOUNTS else self.kind
        of_kind = [name for name, kind in accounts.items() if kind == self.kind]
        if self.name and self.name not in of_kind:
            hint = did_you_mean(self.name, of_kind)
            return f"the team has no {label} account called {self.name!r}{hint}: add it in {PAGE}"
        if not of_kind:
            return f"the team has no {label} account: add one in {PAGE}"
        if not self.name and len(of_kind) > 1:
            return f"the team has several {label} accounts: say which one, `account: {' | '.join(sorted(of_kind))}`"
        return ""


def needs(platform: Entry[Any], formats: Sequence[Entry[Any]], values: Mapping[str, str]) -> Iterator[Need]:
    """What a platform and its formats sign in with. A format without a name of its own uses the platform's account."""
    own = need(platform, values)
    if own:
        yield own
    for each in formats:
        found = need(each, values)
        if found and not (own and own.kind == found.kind and found.name in ("", own.name)):
            yield found


def need(entry: Entry[Any], values: Mapping[str, str]) -> Need | None:
    made, _ = entry.make(values)
    if made is None or not made.account_kind:
        return None
    return Need(entry.path, made.account_kind, made.options.account)
