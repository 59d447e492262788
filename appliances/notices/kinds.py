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
    "failed": Kind("Failed", "a build of a release failed"),
    "recovered": Kind("Recovered", "after a failure, all images passed again"),
    "waiting": Kind("Waits for approval", "every image passed; a maintainer publishes or rejects it"),
    "published": Kind("Published", "a revision is on the catalog", usual=False),
    "schedule-stopped": Kind("Schedule stopped", "it failed too often and is off"),
    "hook-stopped": Kind("Hook stopped", "it failed too often and is not called any more"),
}
USUAL = [name for name, kind in KINDS.items() if kind.usual]
CHOICES = [(name, f"{kind.label}: {kind.explanation}") for name, kind in KINDS.items()]
TEST = "test"
"""What a hook is sent that somebody tries."""


def known(names: Iterable[str]) -> list[str]:
    """In the order of the table, without what another version of Slipway knew."""
    wanted = set(names)
    return [name for name in KINDS if name in wanted]
