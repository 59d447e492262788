"""Sizes and durations as people write them: "512M", "4GiB", "90s", "10m"."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

UNITS = {"M": 2**20, "G": 2**30, "T": 2**40}
SECONDS = {"s": 1, "m": 60, "h": 3600}

SIZE = re.compile(r"([1-9][0-9]{0,6})([MGT])(?:iB)?")
DURATION = re.compile(r"([0-9]{1,6})([smh])")


def parse_size(value: object) -> int:
    """Bytes. Raises ValueError."""
    match = SIZE.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a whole number and M, G or T (binary units), such as 512M, 1G or 4GiB")
    return int(match[1]) * UNITS[match[2]]


def size_between(lowest: str, highest: str) -> Callable[[object], int]:
    """A validator for sizes that are at least `lowest` and at most `highest`, both included."""

    def validate(value: object) -> int:
        size = parse_size(value)
        if not parse_size(lowest) <= size <= parse_size(highest):
            raise ValueError(f"{value} is out of range: at least {lowest}, at most {highest}")
        return size

    return validate


def parse_duration(value: object) -> float:
    """Seconds. Raises ValueError."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    match = DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected seconds, or a whole number and s, m or h, such as 90s, 10m or 2h")
    return float(int(match[1]) * SECONDS[match[2]])


def duration_between(lowest: str, highest: str) -> Callable[[object], float]:
    """A validator for durations that are at least `lowest` and at most `highest`, both included."""

    def validate(value: object) -> float:
        seconds = parse_duration(value)
        if not parse_duration(lowest) <= seconds <= parse_duration(highest):
            raise ValueError(f"{value} is out of range: at least {lowest}, at most {highest}")
        return seconds

    return validate


def size_text(size: int) -> str:
    """The shortest way to write that many bytes: "4G"."""
    return next(f"{size // unit}{name}" for name, unit in reversed(UNITS.items()) if size % unit == 0)


def duration_text(seconds: float) -> str:
    """The shortest way to write that many seconds: "2h"."""
    name, unit = next((name, unit) for name, unit in reversed(SECONDS.items()) if seconds % unit == 0)
    return f"{seconds // unit:.0f}{name}"


SIZE_SCHEMA = WithJsonSchema(
    {"type": "string", "format": "size", "pattern": f"^{SIZE.pattern}$", "examples": ["512M", "1G", "4GiB"]}
)
DURATION_SCHEMA = WithJsonSchema(
    {
        "format": "duration",
        "anyOf": [{"type": "string", "pattern": f"^{DURATION.pattern}$"}, {"type": "number", "minimum": 0}],
        "examples": ["90s", "10m", "2h"],
    }
)

Duration = Annotated[float, BeforeValidator(duration_between("0s", "24h")), DURATION_SCHEMA]
"""Seconds, at most a day."""
