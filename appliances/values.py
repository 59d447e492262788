"""The places that give values to a template's variables: the release, then its team, then the server's environment."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from builds.engine.template import Offer

from .models import Team

PREFIX = "SLIPWAY_VAR_"


def offers(team: Team, values: Mapping[str, Any]) -> list[Offer]:
    """In the order in which they count; `values` are the release's own."""
    return [
        Offer("release", "the release's value of `{}`", texts(values), strict=True),
        Offer("team", "the team's value of `{}`", dict(team.values.values_list("name", "text"))),
        Offer("environment", f"`{PREFIX}{{}}` in the server's environment", environment()),
    ]


def texts(values: Mapping[str, Any]) -> dict[str, str]:
    """Scripts may also write them as what they are: {"port": 8080, "debug": true}."""
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def environment() -> dict[str, str]:
    return {name.removeprefix(PREFIX): text for name, text in os.environ.items() if name.startswith(PREFIX)}
