"""What a tool is told: the template's variables, and the author's own values."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue

from ..context import Context

VARIABLES = "slipway"
"""The one name under which tools find all variables: their own names would hide the tools' facts."""


def values(own: Mapping[str, JsonValue], context: Context) -> dict[str, JsonValue]:
    """Both, secret ones filled in: keep them in files that only root reads."""
    return {**{name: _filled(value, context) for name, value in own.items()}, VARIABLES: dict(context.variables)}


def not_ours(own: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """For a validator. ValueError when the author takes the name of the variables."""
    if VARIABLES in own:
        raise ValueError(f"the name {VARIABLES!r} is taken: it holds the template's variables")
    return own


def _filled(value: JsonValue, context: Context) -> JsonValue:
    if isinstance(value, dict):
        return {name: _filled(each, context) for name, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, context) for each in value]
    return context.fill(value) if isinstance(value, str) else value
