"""Which events people can be told of. The names are the events' own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    label: str
    explanation: str
    usual: bool = True
    """Do maintainers get it by e-mail who chose nothing?"""


KINDS = {
    "failed": Kind("Failed", "A build of a release failed."),
    "recovered": Kind("Recovered", "After a failure, all its images passed again."),
    "waiting": Kind("Waits for approval", "Every image passed; a maintainer publishes or rejects it."),
    "published": Kind("Published", "It is on the catalog.", usual=False),
    "schedule-stopped": Kind("Schedule stopped", "A schedule failed too often and is off."),
    "hook-stopped": Kind("Hook stopped", "A hook failed too often and is not called any more."),
}
USUAL = [name for name, kind in KINDS.items() if kind.usual]
CHOICES = [(name, kind.label) for name, kind in KINDS.items()]
TEST = "test"
"""What a hook is sent that somebody tries."""


def known(names: Iterable[str]) -> list[str]:
    """In the order of the table, without what another version of Slipway knew."""
    wanted = set(names)
    return [name for name in KINDS if name in wanted]
