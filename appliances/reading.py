"""A template read as a build of its release would read it, without freezing or building anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from builds.outline import Place

from . import parents, values
from .models import Appliance


def place(appliance: Appliance, given: Mapping[str, Any]) -> Place:
    """`given`: the values that the release has, or is about to have."""
    team = appliance.team
    return Place(
        name=str(appliance),
        lookup=parents.lookup(team),
        offers=values.offers(team, given),
        secrets=frozenset(team.secrets.values_list("name", flat=True)),
        accounts=team.account_kinds(),
    )
