"""A template read as a build of its release would read it, without freezing or building anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builds.outline import Place

from . import parents, values
from .models import Appliance, Team


def place(appliance: Appliance, given: Mapping[str, Any]) -> Place:
    """`given`: the values that the release has, or is about to have."""
    return team_place(appliance.team, str(appliance), given)


def team_place(team: Team, name: str = "", given: Mapping[str, Any] | None = None) -> Place:
    """Where a team's template is read that no appliance has yet."""
    return Place(
        name=name,
        lookup=parents.lookup(team),
        offers=values.offers(team, given or {}),
        secrets=frozenset(team.secrets.values_list("name", flat=True)),
        accounts=team.account_kinds(),
    )
